package worker

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/creativeflow/aigen"
)

// refused turns a refusal into what is reported. What the user sees is of our own
// wording, always; the server's codes go to the log.
func (p *ImageAPI) refused(h http.Header, f fault, prompt string) error {
	e := &PaintError{Code: aigen.CodeGenerationFailed, Err: p.detail(h, f)}
	switch {
	case f.aboutContent(prompt):
		e.Code, e.Rejected = aigen.CodeContentRejected, true
		e.Message = "The image service refused this content."
	case f.aboutMoney():
		p.log.Error("the account at the image service is used up: nothing is made until it is topped up", "error", e.Err)
		e.Message = "The image service cannot be used at the moment."
	case f.status == http.StatusUnauthorized || f.status == http.StatusForbidden:
		e.Message = "The image service refused our access."
	case f.status == http.StatusRequestTimeout:
		e.Message, e.Retryable = tooLate, true
	case f.status == http.StatusConflict || f.status == http.StatusTooEarly: // a model that is being loaded
		e.Message, e.Retryable = "The image service is busy.", true
	case f.status >= http.StatusInternalServerError:
		e.Message, e.Retryable = "The image service has a fault.", true
	case f.status >= http.StatusBadRequest:
		e.Message = "The image service did not accept the request."
	default: // redirects that were not followed
		e.Message = notUsable
	}
	return e
}

// detail is for the log. The server's own words are in it only if that is switched on
// (they may quote the prompt), and not where it refuses the key (they may quote that).
func (p *ImageAPI) detail(h http.Header, f fault) error {
	parts := []string{fmt.Sprintf("HTTP %d", f.status)}
	add := func(name, value string, most int) {
		if value = shortText(value, most); value != "" {
			parts = append(parts, name+" "+p.withoutKey(value))
		}
	}
	for _, code := range f.codes[:min(len(f.codes), 4)] {
		if !strings.ContainsAny(strings.TrimSpace(code), " \t") { // more than a word may quote the prompt
			add("code", code, 64)
		}
	}
	for _, param := range f.params[:min(len(f.params), 2)] {
		add("param", param, 64)
	}
	add("retry-after", h.Get("Retry-After"), 64)
	add("request-id", h.Get("X-Request-Id"), 128)
	if f.status >= 300 && f.status < 400 {
		add("redirect", "not followed: set IMAGE_API_URL to where it leads, if that is to be trusted", 128)
	}
	access := f.status == http.StatusUnauthorized || f.status == http.StatusForbidden
	if p.detailed && !access && len(f.messages) > 0 {
		add("message", f.messages[0], 300)
	}
	return fmt.Errorf("image API: %s", strings.Join(parts, ", ")) //nolint:err113 // for the log only
}

func (p *ImageAPI) withoutKey(s string) string {
	if p.key == "" {
		return s
	}
	return strings.ReplaceAll(s, p.key, "***")
}
