package n8nwebhook_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/creativeflow/aigen/internal/n8nwebhook"
	"github.com/creativeflow/aigen/internal/outbox"
)

// FuzzJudge: whatever n8n answers, a job is taken, tried again or given up for good, and
// what is kept of the answer is fit for a log and quotes neither token nor prompt.
func FuzzJudge(f *testing.F) {
	const token, prompt = "T0KEN-of-this-job", "a very secret fox"
	job := []byte(`{"inputPrompt":"` + prompt + `","callback":{"url":"http://x","token":"` + token + `"}}`)
	for _, status := range []int{200, 204, 301, 400, 401, 404, 413, 429, 500, 503} {
		f.Add(status, []byte(`{"code":404,"message":"The requested webhook is not registered"}`), "3")
		f.Add(status, append([]byte("you said "), job...), "")
		f.Add(status, []byte("<html>\x1b[2J"), "x")
	}
	f.Fuzz(func(t *testing.T, status int, body []byte, after string) {
		err := n8nwebhook.Judge(status, http.Header{"Retry-After": {after}}, body, job, time.Now())
		if (err == nil) != (status >= 200 && status < 300) {
			t.Fatalf("%d: %v", status, err)
		}
		if err == nil {
			return
		}
		var permanent *outbox.PermanentError
		if errors.As(err, &permanent) != (status == 400 || status == 413 || status == 422) {
			t.Fatalf("%d: %v", status, err)
		}
		said := err.Error()
		if strings.Contains(said, token) || strings.Contains(said, prompt) || strings.ContainsFunc(said, unicode.IsControl) || len(said) > 600 {
			t.Fatalf("%q", said)
		}
	})
}
