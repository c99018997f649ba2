package httpcall_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/creativeflow/aigen/internal/httpcall"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// setup is a caller of a server that answers by h.
func setup(t *testing.T, c httpcall.Config, h http.HandlerFunc) (*httpcall.Caller, *httptest.Server) {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// A server notices that its client has left only when the body was read.
		body, err := io.ReadAll(r.Body)
		assert.NoError(t, err)
		r.Body = io.NopCloser(bytes.NewReader(body))
		h(w, r)
	}))
	t.Cleanup(s.Close)
	c.BaseURL = s.URL + "/base/"
	caller, err := httpcall.New(c)
	require.NoError(t, err)
	t.Cleanup(caller.Close)
	return caller, s
}

func post(ctx context.Context, c *httpcall.Caller) (httpcall.Answer, error) {
	return c.Do(ctx, httpcall.Request{Method: http.MethodPost, Path: "/do", Body: []byte(`{"a":1}`)})
}

func kindOf(t *testing.T, err error) httpcall.FaultKind {
	t.Helper()
	var f *httpcall.CallError
	require.ErrorAs(t, err, &f)
	return f.Kind
}

func TestRequestIsWhatWasAskedFor(t *testing.T) {
	t.Parallel()
	type requestID struct{}
	c, _ := setup(t, httpcall.Config{
		Key: "the-key", Header: http.Header{"X-Always": {"yes"}},
		Annotate: func(ctx context.Context, h http.Header) { h.Set("X-Request-Id", ctx.Value(requestID{}).(string)) },
	}, func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		assert.NoError(t, err)
		assert.Equal(t, `{"a":1}`, string(body))
		assert.Equal(t, "/base/do?q=1+2", r.URL.RequestURI())
		assert.Equal(t, "Bearer the-key", r.Header.Get("Authorization"))
		assert.Equal(t, "application/json", r.Header.Get("Content-Type"))
		assert.Equal(t, "yes", r.Header.Get("X-Always"))
		assert.Equal(t, "once", r.Header.Get("X-This"))
		assert.Equal(t, "request-7", r.Header.Get("X-Request-Id"))
		assert.NotContains(t, r.Header, "X-Idempotency-Key", "only package http is to know")
		w.WriteHeader(http.StatusTeapot)
		_, _ = io.WriteString(w, `{"b":2}`)
	})
	a, err := c.Do(context.WithValue(t.Context(), requestID{}, "request-7"), httpcall.Request{
		Method: http.MethodPost, Path: "/do", Query: url.Values{"q": {"1 2"}},
		Header: http.Header{"X-This": {"once"}}, Body: []byte(`{"a":1}`),
	})
	require.NoError(t, err)
	assert.Equal(t, http.StatusTeapot, a.Status)
	assert.JSONEq(t, `{"b":2}`, string(a.Body))
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	t.Parallel()
	for _, status := range []int{301, 302, 303, 307, 308} {
		var calls atomic.Int32
		c, _ := setup(t, httpcall.Config{Key: "k"}, func(w http.ResponseWriter, r *http.Request) {
			calls.Add(1)
			http.Redirect(w, r, "/web/login", status)
		})
		a, err := post(t.Context(), c)
		require.NoError(t, err)
		assert.Equal(t, status, a.Status)
		assert.True(t, a.Redirects())
		assert.EqualValues(t, 1, calls.Load())
	}
}

func TestConnectionsAreKeptAndBounded(t *testing.T) {
	t.Parallel()
	var opened, now, most atomic.Int32
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		n := now.Add(1)
		for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
		}
		now.Add(-1)
	}))
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			opened.Add(1)
		}
	}
	s.Start()
	t.Cleanup(s.Close)
	c, err := httpcall.New(httpcall.Config{BaseURL: s.URL, Conns: 3})
	require.NoError(t, err)
	t.Cleanup(c.Close)
	errs := make(chan error, 60)
	for range cap(errs) {
		go func() {
			_, err := post(t.Context(), c)
			errs <- err
		}()
	}
	for range cap(errs) {
		require.NoError(t, <-errs)
	}
	assert.LessOrEqual(t, most.Load(), int32(3))
	assert.LessOrEqual(t, opened.Load(), int32(3))
}

// Everything that can go wrong with a call, what it is taken for, and that its text
// tells nothing of the address or the key.
func TestFaults(t *testing.T) {
	t.Parallel()
	hang := func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
	drop := func(w http.ResponseWriter, _ *http.Request) { panic(http.ErrAbortHandler) }
	drip := func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, `{"a":`)
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	}
	short := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "100")
		_, _ = io.WriteString(w, `{"a":`)
	}
	long := func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write(bytes.Repeat([]byte("x"), 2000))
	}
	tests := map[string]struct {
		answer func(http.ResponseWriter, *http.Request)
		kind   httpcall.FaultKind
	}{
		"hangs":                {hang, httpcall.TimedOut},
		"hangs within answer":  {drip, httpcall.TimedOut},
		"drops the connection": {drop, httpcall.Unreachable},
		"ends too soon":        {short, httpcall.CutOff},
		"is too long":          {long, httpcall.TooLarge},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, s := setup(t, httpcall.Config{Key: "the-key", Timeout: 200 * time.Millisecond, MaxAnswer: 1000}, tt.answer)
			_, err := post(t.Context(), c)
			assert.Equal(t, tt.kind, kindOf(t, err))
			assert.NotContains(t, err.Error(), s.URL)
			assert.NotContains(t, err.Error(), "the-key")
			if tt.kind == httpcall.TimedOut {
				assert.EqualError(t, err, "no answer within 200ms")
			}
		})
	}
}

func TestNobodyListens(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, l.Close())
	c, err := httpcall.New(httpcall.Config{BaseURL: "http://user:password@" + l.Addr().String()})
	require.NoError(t, err)
	_, err = post(t.Context(), c)
	assert.Equal(t, httpcall.Unreachable, kindOf(t, err))
	assert.ErrorContains(t, err, "connection refused")
	assert.NotContains(t, err.Error(), "password")
}

// A caller that leaves is told from one that has run out of time.
func TestCallersEnd(t *testing.T) {
	t.Parallel()
	asked := make(chan struct{}, 3)
	c, _ := setup(t, httpcall.Config{}, func(_ http.ResponseWriter, r *http.Request) {
		asked <- struct{}{}
		<-r.Context().Done()
	})
	left, cancel := context.WithCancel(t.Context())
	go func() { <-asked; cancel() }()
	_, err := post(left, c)
	assert.Equal(t, httpcall.GivenUp, kindOf(t, err))

	late, cancel := context.WithTimeoutCause(t.Context(), 50*time.Millisecond, errors.New("the caller's own words"))
	defer cancel()
	_, err = post(late, c)
	assert.Equal(t, httpcall.TimedOut, kindOf(t, err))
	assert.EqualError(t, err, "the caller's own words")

	joint, stop := context.WithCancelCause(t.Context())
	go func() { <-asked; <-asked; stop(context.DeadlineExceeded) }()
	_, err = post(joint, c)
	assert.Equal(t, httpcall.TimedOut, kindOf(t, err))
}

func TestBadBaseURL(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{"", "odoo:8069", "ftp://odoo", "http://", "/path", "http://user:secret@%zz"} {
		_, err := httpcall.New(httpcall.Config{BaseURL: bad})
		require.Error(t, err, bad)
		assert.NotContains(t, err.Error(), "secret")
	}
}

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 24, 10, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Duration{
		"": 0, "7": 7 * time.Second, "-7": 0, "1.5": 0, "soon": 0,
		"99999999": time.Hour, "99999999999999999999": 0,
		now.Add(90 * time.Second).Format(http.TimeFormat): 90 * time.Second,
		now.Add(-time.Hour).Format(http.TimeFormat):       0,
		now.Add(1000 * time.Hour).Format(http.TimeFormat): time.Hour,
	} {
		a := httpcall.Answer{Header: http.Header{"Retry-After": {text}}}
		assert.Equal(t, want, a.RetryAfter(now), text)
	}
}

func TestHTML(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]bool{
		"<!doctype html><p>": true, " \n<html>": true, "\ufeff<html>": true, `{"a":"<p>"}`: false, "": false, "gone": false,
	} {
		assert.Equal(t, want, httpcall.Answer{Body: []byte(body)}.HTML(), strconv.Quote(body))
	}
	h := http.Header{"Content-Type": {"text/HTML; charset=utf-8"}}
	assert.True(t, httpcall.Answer{Header: h, Body: []byte("gone")}.HTML())
	assert.False(t, httpcall.Answer{Header: h, Body: []byte(`{"can_afford":true}`)}.HTML(), "JSON with the wrong label is JSON")
}

func TestShort(t *testing.T) {
	t.Parallel()
	assert.Equal(t, "one line", httpcall.Short("  one\x00 line \nTraceback", 100))
	assert.Equal(t, "ab…", httpcall.Short("abc", 2))
	assert.Equal(t, "a…", httpcall.Short("aé", 2), "no half character")
	assert.Empty(t, httpcall.Short("\xff\xfe", 10))
	assert.LessOrEqual(t, len(httpcall.Short(strings.Repeat("é", 1000), 101)), 101+len("…"))
}

func TestObject(t *testing.T) {
	t.Parallel()
	a := httpcall.Answer{Body: []byte(`{"yes": true, "no":false,"null":null,"empty":"","text":"t","one":1,"list":[1],"object":{"a":1}}`)}
	o, ok := a.JSON()
	require.True(t, ok)
	for _, name := range []string{"no", "null", "empty", "missing"} {
		assert.False(t, o.Has(name), name)
	}
	for _, name := range []string{"yes", "text", "one", "list", "object"} {
		assert.True(t, o.Has(name), name)
	}
	for name, want := range map[string][2]bool{"yes": {true, true}, "no": {false, true}, "one": {}, "text": {}, "null": {}, "missing": {}} {
		value, ok := o.Bool(name)
		assert.Equal(t, want, [2]bool{value, ok}, name)
	}
	assert.Equal(t, "t", o.Text("text"))
	assert.Empty(t, o.Text("one"))
	assert.Nil(t, o.Object("list"))
	assert.NotNil(t, o.Object("object"))
	_, ok = o.List("null")
	assert.False(t, ok)
	items, ok := o.List("list")
	assert.True(t, ok)
	assert.Len(t, items, 1)
	for _, bad := range []string{"", "null", "[]", "1", `"a"`, `{"a":1} x`, `{"a":`, `{"a":NaN}`} {
		_, ok := httpcall.Answer{Body: []byte(bad)}.JSON()
		assert.False(t, ok, bad)
	}
}

// A part of the address that an operator has given stays as it is; what is appended is
// appended with one slash.
func TestBaseURLStaysAsItIs(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ base, path, query, want string }{
		{"", "", "", "/"},
		{"/", "", "", "/"},
		{"/x/", "", "", "/x/"},
		{"/x/", "/y", "", "/x/y"},
		{"/x", "/y", "a=1", "/x/y?a=1"},
		{"/team%2Fa/", "/y", "", "/team%2Fa/y"},
		{"/x%2F", "/y", "", "/x%2F/y"},
		{"/x?k=a+b;c", "/y", "a=1", "/x/y?k=a+b;c&a=1"},
		{"/x?flag", "", "", "/x?flag"},
	} {
		var asked string
		server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { asked = r.RequestURI }))
		caller, err := httpcall.New(httpcall.Config{BaseURL: server.URL + c.base})
		require.NoError(t, err)
		query, err := url.ParseQuery(c.query)
		require.NoError(t, err)
		_, err = caller.Do(t.Context(), httpcall.Request{Method: http.MethodGet, Path: c.path, Query: query})
		require.NoError(t, err)
		caller.Close()
		server.Close()
		require.Equal(t, c.want, asked, "%+v", c)
	}
}

// Whether anything has left is known of a call that came to nothing.
func TestSent(t *testing.T) {
	t.Parallel()
	sent := func(err error) bool {
		var f *httpcall.CallError
		require.ErrorAs(t, err, &f)
		return f.Sent
	}
	caller, server := setup(t, httpcall.Config{}, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	_, err := post(t.Context(), caller)
	require.True(t, sent(err))
	server.Close()
	_, err = post(t.Context(), caller)
	require.False(t, sent(err), "nobody listens")

	silent, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer silent.Close()
	tls, err := httpcall.New(httpcall.Config{BaseURL: "https://" + silent.Addr().String(), Timeout: 50 * time.Millisecond})
	require.NoError(t, err)
	defer tls.Close()
	_, err = post(t.Context(), tls)
	require.False(t, sent(err), "the handshake has not ended")
	plain, err := httpcall.New(httpcall.Config{BaseURL: "http://" + silent.Addr().String(), Timeout: 50 * time.Millisecond})
	require.NoError(t, err)
	defer plain.Close()
	_, err = post(t.Context(), plain)
	require.True(t, sent(err))
}
