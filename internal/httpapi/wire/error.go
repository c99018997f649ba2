package wire

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/app"
	"github.com/creativeflow/aigen/internal/web"
)

// ProblemType is the prefix of a problem's type. It identifies, it is not fetched:
// a URL would change with the host that the service is reached by.
const ProblemType = "urn:aigen:problem:"

// Problem is the body of every error (RFC 9457).
type Problem struct {
	Type      string         `json:"type" doc:"Identifies the kind of problem: urn:aigen:problem: and the code."`
	Title     string         `json:"title" doc:"The kind of problem in words; the same for every problem with this code."`
	Status    int            `json:"status" doc:"The HTTP status."`
	Detail    string         `json:"detail" doc:"What is wrong with this request, for a person."`
	Code      string         `json:"code" doc:"For programs to branch on; stable."`
	RequestID string         `json:"requestId" doc:"As in X-Request-Id. Name it when you report the problem."`
	Errors    []ProblemError `json:"errors,omitempty" doc:"Each fault of the input, where the input is invalid."`
}

// ProblemError is one fault of an input.
type ProblemError struct {
	Location string `json:"location" doc:"Where: body.inputPrompt, query.limit, header.Idempotency-Key."`
	Message  string `json:"message" doc:"What is wrong and what would be right."`
}

// Error is an error of this package: one row of the table with what goes with it.
type Error struct {
	Code    aigen.Code
	Detail  string
	Fields  []aigen.FieldError
	Headers http.Header
	Cause   error // for the log only
}

func (f *Error) Error() string {
	if f.Cause != nil {
		return string(f.Code) + ": " + f.Detail + ": " + f.Cause.Error()
	}
	return string(f.Code) + ": " + f.Detail
}

func (f *Error) Unwrap() error { return f.Cause }

// NewError returns the error of a code. detail is for the caller.
func NewError(code aigen.Code, detail string, fields ...aigen.FieldError) *Error {
	return &Error{Code: code, Detail: detail, Fields: fields}
}

// Invalid is the fault for these invalid fields.
func Invalid(fields ...aigen.FieldError) *Error {
	detail := "One field is not valid."
	if len(fields) != 1 {
		detail = strconv.Itoa(len(fields)) + " fields are not valid."
	}
	return NewError(aigen.CodeInvalidInput, detail, fields...)
}

// ErrorOf turns any error into what may be shown. What it does not know is a
// defect of ours: the caller learns nothing but that.
func ErrorOf(err error) *Error {
	var f *Error
	var known *aigen.Error
	switch {
	case errors.As(err, &f):
		return f
	case errors.Is(err, app.ErrVersionConflict):
		return &Error{Code: web.CodeBusy, Detail: "This generation is being changed by many requests at once. Try again in a moment.", Cause: err}
	case errors.Is(err, app.ErrStoreUnavailable):
		return &Error{Code: web.CodeDatabaseUnavailable, Detail: "The service cannot read or write its data just now. Try again in a moment; with an Idempotency-Key nothing is done twice.", Cause: err}
	case errors.As(err, &known):
		if f := ofDomain(known, err); f != nil {
			return f
		}
	}
	return &Error{Code: aigen.CodeInternal, Detail: "The request could not be completed. The requestId finds the reason in the log.", Cause: err}
}

// ofDomain is the fault for an error of the domain, nil for a code without a row.
func ofDomain(known *aigen.Error, cause error) *Error {
	if _, ok := ErrorSpecOf(known.Code); !ok || known.Code == aigen.CodeInternal {
		return nil
	}
	f := &Error{Code: known.Code, Detail: known.Message, Cause: cause}
	switch known.Code {
	case aigen.CodeInvalidInput:
		f = Invalid(known.Fields...)
		f.Cause = cause
	case aigen.CodeNotFound:
		// The same words whoever says it: another user's generation must not be told
		// from one that is not there.
		f.Detail = noGeneration
	default:
	}
	var hint interface{ RetryAfter() time.Duration }
	if errors.As(cause, &hint) && hint.RetryAfter() > 0 {
		f.Headers = http.Header{"Retry-After": {Seconds(hint.RetryAfter())}}
	}
	return f
}

// Fail answers a request with the problem that err stands for.
func Fail(w http.ResponseWriter, r *http.Request, err error) {
	c := web.InfoFrom(r.Context())
	if errors.Is(err, context.Canceled) && r.Context().Err() != nil {
		c.Gone = true // nobody reads the answer
	}
	f := ErrorOf(err)
	k, ok := ErrorSpecOf(f.Code)
	if !ok {
		k, _ = ErrorSpecOf(aigen.CodeInternal)
	}
	c.Code, c.Err = k.Code, err
	h := w.Header()
	for name, values := range f.Headers {
		h[name] = values
	}
	if k.Retry > 0 && h.Get("Retry-After") == "" {
		h.Set("Retry-After", Seconds(k.Retry))
	}
	// Left over from a handler that failed on its way.
	for _, name := range []string{"ETag", "Location", "Content-Length", "Content-Encoding", "Last-Modified"} {
		h.Del(name)
	}
	h.Set("Content-Type", "application/problem+json")
	h.Set("Cache-Control", "no-store")
	p := Problem{
		Type: ProblemType + string(k.Code), Title: k.Title, Status: k.Status,
		Detail: f.Detail, Code: string(k.Code), RequestID: c.ID,
	}
	for _, field := range f.Fields {
		p.Errors = append(p.Errors, ProblemError{Location: field.Location, Message: field.Message})
	}
	body, _ := Marshal(p)                            // strings and a number: cannot fail
	h.Set("Content-Length", strconv.Itoa(len(body))) // it may be sent before the request's end
	w.WriteHeader(k.Status)
	_, _ = w.Write(body) // the client may be gone: nothing left to tell
}
