package odoo

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/app"
	"github.com/creativeflow/aigen/internal/outbox"
)

// opName is what is asked for, as the contract spells it.
type opName string

const (
	opReserve opName = "reserve"
	opDeduct  opName = "deduct"
	opRefund  opName = "refund"
	opBalance opName = "balance"
	opBatch   opName = "batch" // for metrics: a call with several operations
)

// class is what an answer comes to.
type class int

const (
	classDone        class = iota
	classRefused           // the user cannot afford it
	classPermanent         // no repeat can help: a person has to look
	classUnavailable       // nothing is known; ask again
	classAccess            // the same, until an operator mends the key
)

// result is what is made of an answer, or of none.
type result struct {
	class  class
	detail string // for operators
	after  time.Duration
	brief  bool  // worth another try at once
	cause  error // of a call without an answer

	unheard bool // the call was never made, or nobody waited for the answer
}

func done() result { return result{class: classDone} }

func unusable(format string, a ...any) result {
	return result{class: classUnavailable, detail: fmt.Sprintf(format, a...)}
}

// stopped is for an operation while the breaker is open.
func stopped(wait time.Duration) result {
	return result{
		class: classUnavailable, unheard: true, after: wait, cause: app.ErrNotAsked,
		detail: "the credit service has failed too often and is left alone for a moment",
	}
}

func busy(waited time.Duration) result {
	return result{
		class: classUnavailable, unheard: true, after: time.Second, cause: app.ErrNotAsked,
		detail: fmt.Sprintf("no turn within %s, as too many calls are under way", waited),
	}
}

func queueFull(queue int) result {
	return result{
		class: classUnavailable, unheard: true, after: time.Second, cause: app.ErrNotAsked,
		detail: fmt.Sprintf("%d operations are waiting already", queue),
	}
}

// gone is for an operation whose caller stopped waiting.
func gone(ctx context.Context) result {
	return result{class: classUnavailable, unheard: true, cause: context.Cause(ctx)}
}

// afterCall is the verdict for an operation that was sent before this one: whatever
// came of the newest try, that nothing was sent is not certain any more.
func (v result) afterCall() result {
	if errors.Is(v.cause, app.ErrNotAsked) {
		v.cause = nil
	}
	return v
}

// failed reports whether the credit service is to blame: the breaker counts these.
func (v result) failed() bool { return v.class == classUnavailable || v.class == classAccess }

func (v result) outcome() string {
	switch v.class {
	case classDone:
		return "ok"
	case classRefused:
		return "refused"
	case classPermanent:
		return "permanent"
	case classUnavailable, classAccess:
	}
	return "unavailable"
}

// UnavailableError is the cause within an aigen.ErrCreditsUnavailable of this package.
type UnavailableError struct {
	Op     string
	Detail string // for operators; without secrets
	After  time.Duration
	Err    error
}

// Error implements error.
func (u *UnavailableError) Error() string {
	s := "odoo, " + u.Op
	if u.Detail != "" {
		s += ": " + u.Detail
	}
	if u.Err != nil {
		s += ": " + u.Err.Error()
	}
	return s
}

// Unwrap returns the cause.
func (u *UnavailableError) Unwrap() error { return u.Err }

// RetryAfter is when another try is worth it; 0 if nothing is known of that.
func (u *UnavailableError) RetryAfter() time.Duration { return u.After }

// err is the verdict as the port wants it.
func (v result) err(op opName) error {
	switch v.class {
	case classDone:
		return nil
	case classRefused:
		return &aigen.Error{
			Code:    aigen.CodeInsufficientCredits,
			Message: "You do not have enough credits for this. Add credits and try again.", Detail: v.detail,
		}
	case classPermanent:
		return &outbox.PermanentError{Err: errors.New("odoo, " + string(op) + ": " + v.detail)}
	case classUnavailable, classAccess:
	}
	message := "Credits could not be checked just now. Nothing was charged. Try again in a moment."
	if op == opBalance {
		message = "Your credits cannot be shown just now. Try again in a moment."
	}
	return &aigen.Error{
		Code: aigen.CodeCreditServiceUnavailable, Message: message,
		Err: &UnavailableError{Op: string(op), Detail: v.detail, After: v.after, Err: v.cause},
	}
}
