package client

import (
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// maxProblem bounds the body of an error, in bytes.
const maxProblem = 64 << 10

// Problem is an answer that says no (RFC 9457, application/problem+json). One that
// came in another form, from a proxy say, has Status and Title only.
type Problem struct { //nolint:errname // the name that RFC 9457 gives it
	Status    int          `json:"status"`
	Code      string       `json:"code"` // stable, for programs: "insufficient_credits"
	Title     string       `json:"title"`
	Detail    string       `json:"detail"` // for a person
	RequestID string       `json:"requestId"`
	Errors    []FieldError `json:"errors"`

	RetryAfter time.Duration `json:"-"` // how long to wait before the next try; 0 if it does not say
}

// FieldError is one fault of the input.
type FieldError struct {
	Location string `json:"location"`
	Message  string `json:"message"`
}

// Error is the detail with each fault of the input, for a person.
func (p *Problem) Error() string {
	s := p.Detail
	if s == "" {
		s = p.Title
	}
	var sSb42 strings.Builder
	for _, f := range p.Errors {
		sSb42.WriteString("; " + f.Location + " " + f.Message)
	}
	s += sSb42.String()
	if p.RequestID != "" && p.Status >= http.StatusInternalServerError {
		s += " (request " + p.RequestID + ")"
	}
	return s
}

// CodeOf is the code of the Problem in err's chain, "" if there is none.
func CodeOf(err error) string {
	var p *Problem
	if errors.As(err, &p) {
		return p.Code
	}
	return ""
}

// StatusOf is the HTTP status of the Problem in err's chain, 0 if there is none.
func StatusOf(err error) int {
	var p *Problem
	if errors.As(err, &p) {
		return p.Status
	}
	return 0
}

// readProblem makes a Problem of an answer that is no success. What is not problem+json
// is not quoted: it is a proxy's page, or worse.
func readProblem(res *http.Response, now time.Time) *Problem {
	p := &Problem{}
	if kind, _, _ := mime.ParseMediaType(res.Header.Get("Content-Type")); kind == "application/problem+json" {
		body, err := io.ReadAll(io.LimitReader(res.Body, maxProblem))
		if err != nil || json.Unmarshal(body, p) != nil {
			*p = Problem{}
		}
	}
	p.Status = res.StatusCode
	if to := res.Header.Get("Location"); to != "" && p.Title == "" && p.Status < 400 {
		p.Title = "The service leads elsewhere, and a token does not follow: name its own address (it answered " + strconv.Itoa(res.StatusCode) + " to " + hostOf(to) + ")"
	}
	if p.Title == "" {
		p.Title = "The service answered " + strconv.Itoa(res.StatusCode) + " " + http.StatusText(res.StatusCode)
	}
	if p.RequestID == "" {
		p.RequestID = res.Header.Get("X-Request-Id")
	}
	p.RetryAfter = retryAfter(res.Header.Get("Retry-After"), now)
	return p
}

func hostOf(location string) string {
	u, err := url.Parse(location)
	if err != nil || u.Host == "" {
		return "another path"
	}
	return u.Scheme + "://" + u.Host
}

// retryAfter reads both forms of the header (RFC 9110, section 10.2.3).
func retryAfter(value string, now time.Time) time.Duration {
	value = strings.TrimSpace(value)
	if seconds, err := strconv.ParseUint(value, 10, 31); err == nil {
		return time.Duration(seconds) * time.Second
	}
	if at, err := http.ParseTime(value); err == nil {
		return max(0, at.Sub(now))
	}
	return 0
}

// passing reports whether the same request may get another answer in a moment.
func (p *Problem) passing() bool {
	switch p.Status {
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	case http.StatusConflict:
		return p.Code == "idempotency_conflict" // our own first try is still running
	default:
		return false
	}
}
