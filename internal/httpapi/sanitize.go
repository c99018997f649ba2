package httpapi

import (
	"regexp"
	"strings"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/httpapi/wire"
)

// Bounds of what an engine says of a failure.
const (
	maxFailureCode    = 64
	maxFailureMessage = 500
)

var (
	failedDefault   = aigen.Failure{Code: aigen.CodeGenerationFailed, Message: "The picture could not be made."}
	rejectedDefault = aigen.Failure{Code: aigen.CodeContentRejected, Message: "The content was refused."}
)

// readFailure reads error{code,message,retryable}. Users see it, so what engines
// put there by habit is taken out: stacks, addresses, control characters.
func readFailure(o wire.Object, required bool, fallback aigen.Failure) aigen.Failure {
	if required {
		o.Need("error")
	}
	e, given := o.Child("error")
	if !given {
		return fallback
	}
	if e.Members == nil {
		return fallback
	}
	why := fallback
	if required {
		e.Need("code")
		e.Need("message")
	}
	if text, ok := e.Text("code"); ok {
		if code := failureCode(text); code != "" {
			why.Code = aigen.Code(code)
		}
	}
	if text, ok := e.Text("message"); ok {
		if message := failureMessage(text); message != "" {
			why.Message = message
		}
	}
	why.Retryable = e.Flag("retryable")
	return why
}

// failureCode makes a code of what an engine calls its error: "GPU Lost!" becomes
// gpu_lost.
func failureCode(s string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(s) {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9', r == '.', r == '-':
			b.WriteRune(r)
		case b.Len() > 0 && !strings.HasSuffix(b.String(), "_"):
			b.WriteByte('_')
		}
		if b.Len() >= maxFailureCode {
			break
		}
	}
	return strings.Trim(b.String(), "_")
}

var (
	// stackLine is where a stack begins, in the languages that engines are made of.
	stackLine = regexp.MustCompile(`^(\s+at\s|Traceback \(|\s*File "|goroutine \d|\s+\S+\.go:\d|panic:|Stack( trace)?:|Caused by:)`)
	// address is a URL, an IP address, or a host with a port.
	address = regexp.MustCompile(`(?i)\b[a-z][a-z0-9+.-]*://[^\s"'<>]+|\b\d{1,3}(\.\d{1,3}){3}(:\d+)?\b|\b[a-z0-9-]+(\.[a-z0-9-]+)*:\d{2,5}\b|\b(localhost|[a-z0-9-]+(\.[a-z0-9-]+)*\.(internal|local|svc|lan))\b`)
)

// failureMessage keeps the lines before the first of a stack.
func failureMessage(s string) string {
	var lines []string
	for line := range strings.Lines(wire.Shorten(s, 8*maxFailureMessage)) {
		line = strings.TrimRight(line, "\r\n")
		if stackLine.MatchString(line) {
			break
		}
		if line = strings.TrimSpace(wire.Plain(line)); line != "" {
			lines = append(lines, line)
		}
	}
	return wire.Shorten(address.ReplaceAllString(strings.Join(lines, " "), "[address]"), maxFailureMessage)
}
