package httpapi

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

// problemType is the prefix of a problem's type. It identifies, it is not fetched:
// a URL would change with the host that the service is reached by.
const problemType = "urn:aigen:problem:"

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

// apiError is an error of this package: one row of the table with what goes with it.
type apiError struct {
	code    aigen.Code
	detail  string
	fields  []aigen.FieldError
	headers http.Header
	cause   error // for the log only
}

func (f *apiError) Error() string {
	if f.cause != nil {
		return string(f.code) + ": " + f.detail + ": " + f.cause.Error()
	}
	return string(f.code) + ": " + f.detail
}

func (f *apiError) Unwrap() error { return f.cause }

func newAPIError(code aigen.Code, detail string, fields ...aigen.FieldError) *apiError {
	return &apiError{code: code, detail: detail, fields: fields}
}

// invalid is the fault for these invalid fields.
func invalid(fields ...aigen.FieldError) *apiError {
	detail := "One field is not valid."
	if len(fields) != 1 {
		detail = strconv.Itoa(len(fields)) + " fields are not valid."
	}
	return newAPIError(aigen.CodeInvalidInput, detail, fields...)
}

// toAPIError turns any error into what may be shown. What it does not know is a
// defect of ours: the caller learns nothing but that.
func toAPIError(err error) *apiError {
	var f *apiError
	var known *aigen.Error
	switch {
	case errors.As(err, &f):
		return f
	case errors.Is(err, app.ErrVersionConflict):
		return &apiError{code: web.CodeBusy, detail: "This generation is being changed by many requests at once. Try again in a moment.", cause: err}
	case errors.Is(err, app.ErrStoreUnavailable):
		return &apiError{code: web.CodeDatabaseUnavailable, detail: "The service cannot read or write its data just now. Try again in a moment; with an Idempotency-Key nothing is done twice.", cause: err}
	case errors.As(err, &known):
		if f := ofDomain(known, err); f != nil {
			return f
		}
	}
	return &apiError{code: aigen.CodeInternal, detail: "The request could not be completed. The requestId finds the reason in the log.", cause: err}
}

// ofDomain is the fault for an error of the domain, nil for a code without a row.
func ofDomain(known *aigen.Error, cause error) *apiError {
	if _, ok := specOf(known.Code); !ok || known.Code == aigen.CodeInternal {
		return nil
	}
	f := &apiError{code: known.Code, detail: known.Message, cause: cause}
	switch known.Code {
	case aigen.CodeInvalidInput:
		f = invalid(known.Fields...)
		f.cause = cause
	case aigen.CodeNotFound:
		// The same words whoever says it: another user's generation must not be told
		// from one that is not there.
		f.detail = noGeneration
	default:
	}
	var hint interface{ RetryAfter() time.Duration }
	if errors.As(cause, &hint) && hint.RetryAfter() > 0 {
		f.headers = http.Header{"Retry-After": {seconds(hint.RetryAfter())}}
	}
	return f
}

// fail answers a request with the problem that err stands for.
func fail(w http.ResponseWriter, r *http.Request, err error) {
	c := web.InfoFrom(r.Context())
	if errors.Is(err, context.Canceled) && r.Context().Err() != nil {
		c.Gone = true // nobody reads the answer
	}
	f := toAPIError(err)
	k, ok := specOf(f.code)
	if !ok {
		k, _ = specOf(aigen.CodeInternal)
	}
	c.Code, c.Err = k.code, err
	h := w.Header()
	for name, values := range f.headers {
		h[name] = values
	}
	if k.retry > 0 && h.Get("Retry-After") == "" {
		h.Set("Retry-After", seconds(k.retry))
	}
	// Left over from a handler that failed on its way.
	for _, name := range []string{"ETag", "Location", "Content-Length", "Content-Encoding", "Last-Modified"} {
		h.Del(name)
	}
	h.Set("Content-Type", "application/problem+json")
	h.Set("Cache-Control", "no-store")
	p := Problem{
		Type: problemType + string(k.code), Title: k.title, Status: k.status,
		Detail: f.detail, Code: string(k.code), RequestID: c.ID,
	}
	for _, field := range f.fields {
		p.Errors = append(p.Errors, ProblemError{Location: field.Location, Message: field.Message})
	}
	body, _ := marshal(p)                            // strings and a number: cannot fail
	h.Set("Content-Length", strconv.Itoa(len(body))) // it may be sent before the request's end
	w.WriteHeader(k.status)
	_, _ = w.Write(body) // the client may be gone: nothing left to tell
}
