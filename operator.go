package aigen

import "strings"

// MaxReason bounds what an operator writes down about a step, in characters.
const MaxReason = 500

// OperatorNote says who changed a generation that is not theirs, and why. It is for
// operators: it stands beside an event's Data, which users see, and never in it.
type OperatorNote struct {
	ID     ID     `json:"id"` // of the operator, as their token says
	Reason string `json:"reason"`
}

// Check refuses a note that names nobody or gives no reason: what is done to the work
// of others has to be accounted for.
func (n OperatorNote) Check() error {
	var faults []FieldError
	if n.ID.IsZero() {
		faults = append(faults, FieldError{Location: "token", Message: "names no operator"})
	}
	if reason := strings.TrimSpace(n.Reason); reason == "" || len([]rune(reason)) > MaxReason {
		faults = append(faults, FieldError{Location: "body.reason", Message: "must say why, in 1 to 500 characters"})
	}
	if len(faults) > 0 {
		return &Error{Code: CodeInvalidInput, Message: "Say who does this, and why.", Fields: faults}
	}
	return nil
}

// FailByOperator ends the generation because an operator decided so, and frees what
// is reserved. The user learns that it was ended; who did it and why is for
// operators. Error codes: CodeInvalidInput (the note), CodeInvalidState (it has ended).
func (g *Generation) FailByOperator(p *Policy, by OperatorNote) error {
	by.Reason = strings.TrimSpace(by.Reason)
	if err := by.Check(); err != nil {
		return err
	}
	return g.fail(p, Failure{
		Code:    CodeFailedByOperator,
		Message: "This generation was stopped by the people who run the service. Nothing was charged for the step it was in. Please try again.", Retryable: true,
	}, &by)
}
