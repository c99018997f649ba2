package notification_test

import (
	"net/http"
	"strings"
	"testing"
	"unicode"

	"github.com/creativeflow/aigen/internal/notification"
)

// FuzzJudge: whatever the service answers, a notification is sent, tried again or given
// up, and what is kept of the answer is fit for a log.
func FuzzJudge(f *testing.F) {
	for _, status := range []int{200, 202, 302, 400, 401, 404, 409, 413, 422, 500} {
		for _, body := range []string{"", `{"detail":"no such user"}`, `{"error":{"a":1}}`, "<html>", "{\"message\":\"a\\u001b[2J\\nb\"}", "null"} {
			f.Add(status, []byte(body), "application/json")
		}
	}
	f.Fuzz(func(t *testing.T, status int, body []byte, media string) {
		err := notification.Judge(status, http.Header{"Content-Type": {media}}, body)
		if (err == nil) != ((status >= 200 && status < 300) || status == http.StatusConflict) {
			t.Fatalf("%d: %v", status, err)
		}
		if err != nil && (strings.ContainsFunc(err.Error(), unicode.IsControl) || len(err.Error()) > 500) {
			t.Fatalf("%q", err)
		}
	})
}
