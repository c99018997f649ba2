package worker

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	aigen "github.com/creativeflow/aigen-orchestrator"
)

// refused turns an answer that is no 200 into what is reported. What the user sees is
// of our own wording, always; the server's codes go to the log.
func (p *ImageAPI) refused(resp *http.Response, body []byte) error {
	fault := parseFault(body)
	e := &PaintError{Code: aigen.CodeGenerationFailed, Err: p.detail(resp, fault)}
	switch status := resp.StatusCode; {
	case status == http.StatusBadRequest && fault.aboutContent():
		e.Code, e.Rejected = aigen.CodeContentRejected, true
		e.Message = "The image service refused this content."
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		e.Message = "The image service refused our access."
	case status == http.StatusRequestTimeout:
		e.Message, e.Retryable = "The image service did not answer in time.", true
	case status == http.StatusTooManyRequests:
		e.Message, e.Retryable = "The image service is busy.", true
	case status >= http.StatusInternalServerError:
		e.Message, e.Retryable = "The image service has a fault.", true
	case status >= http.StatusBadRequest:
		e.Message = "The image service did not accept the request."
	default: // 2xx without a picture, and redirects that were not followed
		e.Message = "The image service gave an answer that cannot be used."
	}
	return e
}

// imageFault is an error answer: {"error": {"code", "type", "param", "message"}}, or
// what resembles it.
type imageFault struct{ code, kind, param, message string }

// parseFault reads whatever it can: each field may be missing, null or a number.
func parseFault(body []byte) imageFault {
	var answer struct {
		Error json.RawMessage `json:"error"`
	}
	if json.Unmarshal(body, &answer) != nil {
		return imageFault{}
	}
	var e struct{ Code, Type, Param, Message any }
	if json.Unmarshal(answer.Error, &e) != nil {
		var message string
		_ = json.Unmarshal(answer.Error, &message) // neither an object nor a text: nothing is known
		return imageFault{message: shortText(message, 300)}
	}
	text := func(v any, n int) string {
		switch v := v.(type) {
		case string:
			return shortText(v, n)
		case float64:
			return fmt.Sprint(v)
		}
		return ""
	}
	return imageFault{text(e.Code, 64), text(e.Type, 64), text(e.Param, 64), text(e.Message, 300)}
}

// aboutContent reports whether the server refuses the content and not the request.
func (f imageFault) aboutContent() bool {
	for _, s := range []string{strings.ToLower(f.code), strings.ToLower(f.kind)} {
		for _, sign := range []string{"moderation", "safety", "content_policy", "content_filter", "contentfilter"} {
			if strings.Contains(s, sign) {
				return true
			}
		}
	}
	return false
}

// detail is for the log. The server's own words are in it only if that is switched on
// (they may quote the prompt), and not where it refuses the key (they may quote that).
func (p *ImageAPI) detail(resp *http.Response, f imageFault) error {
	parts := []string{fmt.Sprintf("HTTP %d", resp.StatusCode)}
	add := func(name, value string) {
		if value != "" {
			parts = append(parts, name+" "+p.withoutKey(value))
		}
	}
	add("code", f.code)
	add("type", f.kind)
	add("param", f.param)
	add("retry-after", shortText(resp.Header.Get("Retry-After"), 64))
	add("request-id", shortText(resp.Header.Get("X-Request-Id"), 128))
	if resp.StatusCode >= 300 && resp.StatusCode < 400 {
		add("redirect", "not followed: set IMAGE_API_URL to where it leads, if that is to be trusted")
	}
	access := resp.StatusCode == http.StatusUnauthorized || resp.StatusCode == http.StatusForbidden
	if p.detailed && !access {
		add("message", f.message)
	}
	return fmt.Errorf("image API: %s", strings.Join(parts, ", ")) //nolint:err113 // for the log only
}

func (p *ImageAPI) withoutKey(s string) string {
	if p.key == "" {
		return s
	}
	return strings.ReplaceAll(s, p.key, "***")
}
