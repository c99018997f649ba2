package httpcall

import (
	"context"
	"errors"
	"net/url"
)

// FaultKind is how a call came to nothing.
type FaultKind int

// The kinds of faults. Only after Unreachable is it likely that the other side did
// nothing; it is sure after none of them.
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
