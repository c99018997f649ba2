package httpapi_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"unicode"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen/internal/httpapi"
)

// nasty are texts that would forge a line of a log, a header, an event of a stream, or
// move a terminal's cursor, where they are let through.
var nasty = []string{
	"x\r\nSet-Cookie: forged=1\r\n\r\n<html>", "x\ntime=now level=ERROR msg=FORGED", "x\n{\"level\":\"ERROR\",\"msg\":\"FORGED\"}",
	"x\x1b[2J\x1b]0;FORGED\x07", "x\u009b2JFORGED", "x\u202eDEGROF", "x\u2028FORGED", "\n\nevent: FORGED\ndata: {}\n\n", "x\" level=\"ERROR",
}

// TestNothingIsInjected sends them wherever a caller has a say, and looks at every line
// that is logged and every header that is answered, in both formats, with bodies in the
// log and without.
func TestNothingIsInjected(t *testing.T) {
	t.Parallel()
	for _, format := range []string{"json", "text"} {
		for _, detailed := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s %t", format, detailed), func(t *testing.T) {
				t.Parallel()
				out := &safeBuffer{}
				options := &slog.HandlerOptions{Level: slog.LevelDebug}
				f := setup(t, func(c *httpapi.Config) {
					c.DetailedLogging = detailed
					c.Log = slog.New(slog.NewTextHandler(out, options))
					if format == "json" {
						c.Log = slog.New(slog.NewJSONHandler(out, options))
					}
				})
				calls := 0
				for _, text := range nasty {
					calls += f.injectEverywhere(text)
				}
				checkLog(t, format, detailed, out.String(), calls)
			})
		}
	}
}

// injectEverywhere makes calls with this text wherever one can stand, and returns how
// many.
func (f *fixture) injectEverywhere(text string) (calls int) {
	f.t.Helper()
	check := func(a answer) answer {
		f.t.Helper()
		calls++
		assert.Less(f.t, a.StatusCode, 500, "%s", a.body)
		assert.Empty(f.t, a.Header.Get("Set-Cookie"))
		for name, values := range a.Header {
			for _, v := range values {
				assert.NotContains(f.t, v, "FORGED", name)
				assert.False(f.t, strings.ContainsFunc(v, unicode.IsControl), "%s: %q", name, v)
			}
		}
		return a
	}
	body := object{"projectId": newID().String(), "inputPrompt": text, "styleGuidance": text, "inputParameters": object{"k" + text: text}}
	created := check(f.call(http.MethodPost, base, body))
	id, _ := created.json()["generationId"].(string)
	check(f.call(http.MethodPost, base, object{"projectId": text, "inputPrompt": "a", text: text}))
	check(f.call(http.MethodPost, base, `{"a":`+text))
	check(f.call(http.MethodGet, base+"/"+escape(text), nil))
	check(f.call(http.MethodGet, "/"+escape(text), nil))
	check(f.call(http.MethodGet, base+"?cursor="+escape(text)+"&status="+escape(text)+"&projectId="+escape(text)+"&limit="+escape(text), nil))
	check(f.call(http.MethodGet, "/api/v1/events?lastEventId="+escape(text), nil))
	check(f.call(http.MethodPost, base+"/"+id+"/select-sample", object{"sampleId": text, "resolution": text}))
	check(f.call(http.MethodPost, callbacks, object{"generationId": text, "jobId": text, "status": text, "stage": text}, "X-N8N-Webhook-Secret", secret))
	report := samplesReport(id, f.job(id))
	report["status"], report["error"] = "failure", object{"code": text, "message": text, "retryable": true}
	check(f.report(report))
	done := samplesReport(id, f.job(id))
	done["results"] = object{
		"aiModelUsed":  text,
		"sampleAssets": []object{{"assetId": "s1", "url": "/a.png", "format": text, "metadata": object{text: text}}},
	}
	check(f.report(done))
	check(f.call(http.MethodGet, base+"/"+id, nil))
	check(f.call(http.MethodPost, base+"/"+id+"/cancel", nil))

	// The events, which frame what they hold by line breaks.
	events := check(f.call(http.MethodGet, base+"/"+id+"/events", nil))
	for line := range strings.Lines(string(events.body)) {
		line = strings.TrimRight(line, "\n")
		name, value, _ := strings.Cut(line, ": ")
		assert.Contains(f.t, []string{"", "retry", "id", "event", "data"}, name, "%q", line)
		if name == "event" {
			assert.NotContains(f.t, value, "FORGED")
		}
	}

	// Headers that a careful client would not send: by hand.
	for _, header := range []string{
		"X-Request-Id", "X-Correlation-Id", "Idempotency-Key", "Last-Event-ID", "If-None-Match", "Accept", "Origin",
		"Traceparent", "User-Agent", "X-Forwarded-For", "Webhook-Id", "Content-Type",
	} {
		calls += f.rawHeader(header, strings.NewReplacer("\r", "", "\n", "").Replace(text))
	}
	return calls
}

// rawHeader sends a header as it stands and reports whether the request was taken for
// one at all: package http refuses the worst of them by itself.
func (f *fixture) rawHeader(name, value string) int {
	f.t.Helper()
	conn := f.dial()
	defer conn.Close()
	_, err := fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Length: 2\r\n%s: %s\r\nConnection: close\r\n\r\n{}",
		base, tokenOf(f.user), name, value)
	require.NoError(f.t, err)
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	require.NoError(f.t, err)
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	require.NoError(f.t, err)
	assert.NotContains(f.t, resp.Header.Get("X-Request-Id"), "FORGED")
	if resp.Header.Get("X-Request-Id") == "" {
		assert.Equal(f.t, http.StatusBadRequest, resp.StatusCode)
		return 0
	}
	return 1
}

func escape(s string) string {
	var b strings.Builder
	for i := range len(s) {
		fmt.Fprintf(&b, "%%%02X", s[i])
	}
	return b.String()
}

// checkLog wants one line for each call, with nothing in it that a terminal obeys.
func checkLog(t *testing.T, format string, detailed bool, log string, calls int) {
	t.Helper()
	lines := strings.Split(strings.TrimSuffix(log, "\n"), "\n")
	assert.Len(t, lines, calls)
	for _, line := range lines {
		bad := func(r rune) bool {
			return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == '\u2028' || r == '\u2029'
		}
		assert.False(t, strings.ContainsFunc(line, bad), "%q", line)
		if !detailed {
			assert.NotContains(t, line, "FORGED")
		}
		if format == "text" {
			assert.True(t, strings.HasPrefix(line, "time="), "%q", line)
			continue
		}
		var v struct{ Level, Msg string }
		require.NoError(t, json.Unmarshal([]byte(line), &v), "%q", line)
		assert.Equal(t, "request", v.Msg)
		assert.Equal(t, "INFO", v.Level)
	}
}
