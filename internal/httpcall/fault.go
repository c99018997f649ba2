package httpcall

import (
	"context"
	"errors"
	"net/url"
)

// FaultKind is how a call came to nothing.
type FaultKind int

// The kinds of faults. That the other side did nothing is sure where Sent is false.
const (
	Unreachable FaultKind = iota // no connection, or it ended before an answer began
	CutOff                       // the answer ended too soon
	TooLarge                     // the answer is longer than is read
	TimedOut                     // the time of the call, or of its caller, is over
	GivenUp                      // the caller does not want the answer any more
)

// CallError is a call without a whole answer. Its text is for operators; it holds
// neither the URL, which may have a password in it, nor anything of the request.
type CallError struct {
	Kind FaultKind
	Err  error

	Sent   bool // the other side may have the request, or a part of it
	Status int  // of an answer that began; 0: none did
}

// Error implements error.
func (f *CallError) Error() string { return f.Err.Error() }

// Unwrap returns the cause.
func (f *CallError) Unwrap() error { return f.Err }

func faultOf(ctx context.Context, kind FaultKind, err error) *CallError {
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err
	}
	switch {
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return &CallError{Kind: TimedOut, Err: context.Cause(ctx)}
	case ctx.Err() != nil && errors.Is(context.Cause(ctx), context.DeadlineExceeded):
		// A call for several callers is cancelled when the last of them has run out
		// of time.
		return &CallError{Kind: TimedOut, Err: context.Cause(ctx)}
	case ctx.Err() != nil:
		return &CallError{Kind: GivenUp, Err: context.Cause(ctx)}
	}
	return &CallError{Kind: kind, Err: err}
}
