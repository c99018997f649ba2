package httpcall_test

import (
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/creativeflow/aigen/internal/httpcall"
)

// FuzzAnswer reads answers of any bytes in every way that the adapters do.
func FuzzAnswer(f *testing.F) {
	for _, seed := range []string{
		"", "{}", `{"error":{"code":"x","data":{"code":1}},"results":[1,null,{}],"ok":false}`, "<html>", "\ufeff <!doctype", "null", "[]",
		strings.Repeat("[", 999), `{"a":"\ud800"}`, "\xff\xfe", "line\r\n\x1b[2Jline", "[secret]",
	} {
		f.Add([]byte(seed), "text/html", "1")
		f.Add([]byte(seed), "application/json", "Wed, 21 Oct 2026 07:28:00 GMT")
	}
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, body []byte, media, after string) {
		a := httpcall.Answer{Status: 500, Body: body, Header: http.Header{"Content-Type": {media}, "Retry-After": {after}}}
		if wait := a.RetryAfter(now); wait < 0 || wait > time.Hour {
			t.Fatalf("waits %s", wait)
		}
		o, ok := a.JSON()
		if ok && a.HTML() {
			t.Fatal("both an object and a page")
		}
		for name := range o {
			o.Has(name)
			o.Bool(name)
			o.Object(name)
			o.List(name)
			checkShort(t, httpcall.Short(o.Text(name), 64))
		}
		checkShort(t, httpcall.Short(string(body), 64))
		if redacted := httpcall.Redactor("the secret of it").Replace(string(body)); strings.Contains(redacted, "the secret of it") {
			t.Fatalf("%q", redacted)
		}
	})
}

func checkShort(t *testing.T, s string) {
	t.Helper()
	if !utf8.ValidString(s) || len(s) > 64+len("…") || strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) {
		t.Fatalf("%q is not fit for a log", s)
	}
}
