package httpapi_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/creativeflow/aigen/internal/httpapi"
)

// serve calls the handler without a network and checks what no input may break.
func (f *fixture) serve(t *testing.T, r *http.Request) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	f.api.ServeHTTP(w, r)
	if w.Code >= http.StatusInternalServerError {
		t.Fatalf("%d: %s\n%s", w.Code, w.Body, f.log.String())
	}
	if w.Code >= http.StatusBadRequest && w.Header().Get("Content-Type") != problemType {
		t.Fatalf("%d is no problem: %s", w.Code, w.Body)
	}
	if strings.HasSuffix(w.Header().Get("Content-Type"), "json") && !json.Valid(w.Body.Bytes()) {
		t.Fatalf("not JSON: %q", w.Body)
	}
	return w
}

func post(t *testing.T, path, body string) *http.Request {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, path, strings.NewReader(body))
	r.Header.Set("Content-Type", jsonType)
	return r
}

func FuzzCreateBody(f *testing.F) {
	for _, seed := range []string{
		`{` + validProject + `,"inputPrompt":"a red fox","styleGuidance":null,"inputParameters":{"samples":2,"format":"TikTok","resolution":"64x64","x":[{}]}}`,
		`{"inputPrompt":1}`, `{`, ``, `[[[[`, "{\"a\":\"\xff\"}", `{"a":"\ud800"}`, `{"a":1,"\u0061":2}`, `{"inputParameters":{"samples":1e999}}`, "\xef\xbb\xbf{}",
	} {
		f.Add(seed)
	}
	x := setup(f)
	f.Fuzz(func(t *testing.T, body string) {
		r := post(t, base, body)
		user := newID() // with an account of its own: credits must not run out
		r.Header.Set("Authorization", "Bearer "+tokenOf(user))
		r.Header.Set("Idempotency-Key", "k")
		w := x.serve(t, r)
		if w.Code != http.StatusAccepted {
			return
		}
		if !utf8.ValidString(body) {
			t.Fatal("accepted what is not UTF-8")
		}
		again := post(t, base, " "+body+"\n")
		again.Header = r.Header.Clone()
		if w := x.serve(t, again); w.Header().Get("Idempotency-Replayed") != "true" {
			t.Fatalf("the same request with blanks around it was not recognised: %d %s", w.Code, w.Body)
		}
		get := httptest.NewRequestWithContext(t.Context(), http.MethodGet, w.Header().Get("Location"), nil)
		get.Header.Set("Authorization", r.Header.Get("Authorization"))
		if w := x.serve(t, get); w.Code != http.StatusOK {
			t.Fatalf("accepted and not there: %d %s", w.Code, w.Body)
		}
	})
}

func FuzzCallbackBody(f *testing.F) {
	x := setup(f)
	id := x.create()
	for _, report := range []object{samplesReport(id, x.job(id)), finalReport(id, x.job(id))} {
		seed, err := json.Marshal(report)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(seed))
	}
	for _, seed := range []string{
		`{"generationId":"` + id + `","status":"failure","stage":"samples_generated","error":{"code":"X","message":"a\n at b","retryable":true}}`,
		`{"generationId":"` + id + `","status":"success","stage":"progress","results":{"progress":5}}`,
		`{"generationId":"` + id + `","status":"success","stage":"content_rejected"}`, `{}`, `[]`, `{"results":{"sampleAssets":[null]}}`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, body string) {
		r := post(t, callbacks, body)
		r.Header.Set("X-N8N-Webhook-Secret", secret)
		x.serve(t, r)
		r = post(t, callbacks, body)
		r.Header.Set("Authorization", "Bearer "+x.tokens.Make(newID(), newID()))
		if w := x.serve(t, r); w.Code == http.StatusOK || w.Code == http.StatusNotFound {
			t.Fatalf("a token for another generation: %d %s", w.Code, w.Body)
		}
	})
}

func FuzzSignatureHeaders(f *testing.F) {
	now := strconv.FormatInt(time.Now().Unix(), 10)
	for _, seed := range [][3]string{
		{"msg_1", now, "v1,AAAA"}, {"", "", ""}, {"x", "-1", "v1,"}, {"x", "99999999999999", "v1a,x v1,y"}, {"x.y", now, strings.Repeat("v1,x ", 99)},
	} {
		f.Add(seed[0], seed[1], seed[2])
	}
	x := setup(f)
	id := x.create()
	body, err := json.Marshal(samplesReport(id, x.job(id)))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, id, at, signature string) {
		r := post(t, callbacks, string(body))
		r.Header.Set("Webhook-Id", id)
		r.Header.Set("Webhook-Timestamp", at)
		r.Header.Set("Webhook-Signature", signature)
		want := http.StatusForbidden
		if signature == "" {
			want = http.StatusUnauthorized
		}
		if w := x.serve(t, r); w.Code != want {
			t.Fatalf("%d: %s", w.Code, w.Body)
		}
	})
}

func FuzzLastEventID(f *testing.F) {
	for _, seed := range []string{"", "0", "1", "4", "5", "-1", "x", "00004", "9223372036854775807", "9223372036854775808"} {
		f.Add(seed)
	}
	x := setup(f)
	path := base + "/" + x.completed() + "/events"
	f.Fuzz(func(t *testing.T, id string) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		r := httptest.NewRequestWithContext(ctx, http.MethodGet, path, nil)
		r.Header.Set("Authorization", "Bearer "+tokenOf(x.user))
		r.Header.Set("Last-Event-ID", id)
		w := x.serve(t, r)
		n, err := httpapi.ParseEventID(id)
		want := http.StatusBadRequest
		switch {
		case id == "", err == nil && n < 4:
			want = http.StatusOK
		case err == nil && n == 4:
			want = http.StatusNoContent
		}
		if w.Code != want {
			t.Fatalf("%d: %s", w.Code, w.Body)
		}
		if ctx.Err() != nil {
			t.Fatal("the stream of an ended generation did not end")
		}
	})
}

func FuzzCursor(f *testing.F) {
	x := setup(f)
	for range 2 {
		x.create()
	}
	cursor, _ := x.call(http.MethodGet, base+"?limit=1", nil).json()["nextCursor"].(string)
	for _, seed := range []string{cursor, "", "x", "AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "AX________________________________"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, base, nil)
		r.URL.RawQuery = "cursor=" + url.QueryEscape(text)
		r.Header.Set("Authorization", "Bearer "+tokenOf(x.user))
		x.serve(t, r)
	})
}
