package aigen

import "errors"

// Code names a fault for machines. Codes are stable: clients branch on them.
// internal/httpapi maps each to a status in one table.
type Code string

// The codes that the domain and the use-cases return.
const (
	CodeInvalidInput             Code = "invalid_input"              // a field breaks a rule; Error.Fields names each
	CodeNotFound                 Code = "not_found"                  // no such generation, or somebody else's
	CodeInvalidState             Code = "invalid_state"              // the state table has no such move
	CodeUnknownSample            Code = "unknown_sample"             // the sample is not one of the generation's
	CodeUnknownJob               Code = "unknown_job"                // a callback names a job the generation never had
	CodeCallbackContradiction    Code = "callback_contradiction"     // a callback reports what its job cannot have done
	CodeInsufficientCredits      Code = "insufficient_credits"       // the user cannot afford the run
	CodeCreditServiceUnavailable Code = "credit_service_unavailable" // the credit service gave no usable answer
	CodeIdempotencyConflict      Code = "idempotency_conflict"       // the first request with this key is still running
	CodeIdempotencyKeyReused     Code = "idempotency_key_reused"     // the key came before with another request
	CodeTimeout                  Code = "timeout"                    // the stage passed its deadline
	CodeSelectionExpired         Code = "selection_expired"          // nobody chose a sample in time
	CodeContentRejected          Code = "content_rejected"           // the engine refused the content
	CodeGenerationFailed         Code = "generation_failed"          // the engine failed and gave no code of its own
	CodeDispatchFailed           Code = "dispatch_failed"            // the job could not be handed to the engine
	CodeCancelled                Code = "cancelled"                  // the user cancelled
	CodeFailedByOperator         Code = "failed_by_operator"         // an operator ended it
	CodeDeliveryNotFound         Code = "delivery_not_found"         // no such delivery: it never was, or it is done
	CodeDeliveryBusy             Code = "delivery_busy"              // the delivery is being made right now
	CodeForceRequired            Code = "force_required"             // a step that breaks a rule needs an explicit word
	CodeRateLimited              Code = "rate_limited"               // the user starts work too often
	CodeQueueFull                Code = "queue_full"                 // too many of the user's generations wait or are worked on
	CodeExternalIDTaken          Code = "external_id_taken"          // another generation of the user has this external id
	CodeUnsupportedPicture       Code = "unsupported_picture"        // the file is neither PNG nor JPEG nor WebP
	CodeUnusablePicture          Code = "unusable_picture"           // the picture is cut off, damaged or too large
	CodeAssetNotFound            Code = "asset_not_found"            // the user has no such asset
	CodeAssetInUse               Code = "asset_in_use"               // a generation works with the asset
	CodeInternal                 Code = "internal_error"             // a defect of ours
)

// FieldError is one fault of an input.
type FieldError struct {
	Location string // where, as a path: "body.inputParameters.samples"
	Message  string // what is wrong and what would be right
}

// Error is a fault with a code for machines, a message for people and a detail
// for operators. Message may be shown to the user; Detail goes to the log only.
type Error struct {
	Code    Code
	Message string
	Detail  string
	Fields  []FieldError // set for CodeInvalidInput
	Err     error        // the cause, if there is one
}

// Error implements error. It holds the detail: it is for logs, not for users.
func (e *Error) Error() string {
	s := string(e.Code) + ": " + e.Message
	if e.Detail != "" {
		s += " (" + e.Detail + ")"
	}
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Is makes errors.Is compare codes, so that sentinels below match any error of their kind.
func (e *Error) Is(target error) bool {
	var t *Error
	return errors.As(target, &t) && t.Message == "" && t.Code == e.Code
}

// Sentinels for errors.Is. They carry no message; the errors returned do.
var (
	ErrNotFound            = &Error{Code: CodeNotFound}
	ErrInvalidState        = &Error{Code: CodeInvalidState}
	ErrInvalidInput        = &Error{Code: CodeInvalidInput}
	ErrInsufficientCredits = &Error{Code: CodeInsufficientCredits}
	ErrCreditsUnavailable  = &Error{Code: CodeCreditServiceUnavailable}
)

// CodeOf returns the code of the first *Error in err's chain, CodeInternal where
// there is none, and "" for nil.
func CodeOf(err error) Code {
	if err == nil {
		return ""
	}
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return CodeInternal
}

// Failure is why a generation ended without a picture. It is shown to the user.
type Failure struct {
	Code      Code   `json:"code"`
	Message   string `json:"message"`
	Retryable bool   `json:"retryable"` // starting a new generation may succeed
}
