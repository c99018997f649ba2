// Package httpcall makes bounded calls to a service whose address an operator has
// configured: JSON goes out, what comes back is read up to a limit, and nothing
// takes longer than its time. It is a library without a port, shared by the adapters
// that speak HTTP.
//
// Redirects are never followed: the services that are called have none, so that a
// redirect is a login page or somebody else, who is to get neither the key nor the
// request.
package httpcall

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync/atomic"
	"time"
)

// Config is what a Caller is made of. BaseURL is required.
type Config struct {
	// BaseURL is "https://host/path". What an operator has written is used as it is: its
	// slash at the end, its escapes and its query. Only where a Path is appended is there
	// one slash between the two.
	BaseURL string
	Key     string        // sent as a bearer token; empty: none
	Timeout time.Duration // of one call, from the dial to the last byte; default 10 s
	Conns   int           // connections at a time; default 16
	// MaxAnswer is how many bytes of an answer are read, unpacked; default 1 MiB. A
	// longer one is a *CallError.
	MaxAnswer int64
	Header    http.Header // sent with each call
	// Secrets are what is sent besides Key and the password in BaseURL, and is not to be
	// seen where an answer quotes it.
	Secrets []string
	// Annotate adds what belongs to the request that ctx comes from: its id, a trace.
	Annotate func(ctx context.Context, h http.Header)
	// Wrap puts something around the transport: traces, or a test's own.
	Wrap func(http.RoundTripper) http.RoundTripper
}

// Caller calls one service. Its methods may be used from many goroutines.
type Caller struct {
	c         Config
	base      *url.URL
	client    *http.Client
	transport *http.Transport
	redactor  *strings.Replacer
}

const (
	defaultTimeout   = 10 * time.Second
	defaultConns     = 16
	defaultMaxAnswer = 1 << 20
	maxAnswerHeader  = 64 << 10
	// longestDial leaves time to tell a host that is gone from one that is slow.
	longestDial  = 5 * time.Second
	longestIdle  = time.Minute // shorter than what proxies usually allow
	longestShake = 5 * time.Second
)

// New builds a Caller, and refuses a base URL that nothing can be asked at.
func New(c Config) (*Caller, error) {
	base, err := url.Parse(c.BaseURL)
	if err != nil || (base.Scheme != "http" && base.Scheme != "https") || base.Host == "" {
		return nil, errors.New(`the base URL must be of the form "https://host/path"`) // not quoted: it may hold a password
	}
	if c.Timeout <= 0 {
		c.Timeout = defaultTimeout
	}
	if c.Conns <= 0 {
		c.Conns = defaultConns
	}
	if c.MaxAnswer <= 0 {
		c.MaxAnswer = defaultMaxAnswer
	}
	t := newTransport(c)
	var around http.RoundTripper = t
	if c.Wrap != nil {
		around = c.Wrap(t)
	}
	client := &http.Client{Transport: around, CheckRedirect: func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse
	}}
	return &Caller{c: c, base: base, client: client, transport: t, redactor: redactorOf(c, base)}, nil
}

func newTransport(c Config) *http.Transport {
	dialer := &net.Dialer{Timeout: min(longestDial, c.Timeout), KeepAlive: 30 * time.Second}
	return &http.Transport{
		Proxy: http.ProxyFromEnvironment, DialContext: dialer.DialContext, ForceAttemptHTTP2: true,
		MaxConnsPerHost: c.Conns, MaxIdleConnsPerHost: c.Conns, MaxIdleConns: c.Conns, IdleConnTimeout: longestIdle,
		TLSHandshakeTimeout: longestShake, MaxResponseHeaderBytes: maxAnswerHeader,
	}
}

// Timeout is the time that one call has.
func (c *Caller) Timeout() time.Duration { return c.c.Timeout }

// Close ends the connections that wait for another call.
func (c *Caller) Close() { c.transport.CloseIdleConnections() }

// Request is one call. All of them bear a repeat: on a kept connection that the
// other side has just closed, package http sends it once more by itself.
type Request struct {
	Method string
	Path   string     // appended to the base URL; "": the base URL itself
	Query  url.Values // after the query of the base URL
	Header http.Header
	Body   []byte // JSON; nil: none
}

// Do makes a call and reads the answer, whatever its status. The error is a *CallError.
func (c *Caller) Do(ctx context.Context, r Request) (Answer, error) {
	late := fmt.Errorf("no answer within %s", c.c.Timeout)
	ctx, cancel := context.WithTimeoutCause(ctx, c.c.Timeout, late)
	defer cancel()
	var sent atomic.Bool
	req, err := c.request(withTrace(ctx, &sent), r)
	if err != nil {
		return Answer{}, &CallError{Kind: Unreachable, Err: err}
	}
	resp, err := c.client.Do(req)
	if err != nil {
		fault := faultOf(ctx, Unreachable, err)
		fault.Sent = sent.Load()
		return Answer{}, fault
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(resp.Body, c.c.MaxAnswer+1))
	switch {
	case err != nil:
		fault := faultOf(ctx, CutOff, err)
		fault.Sent, fault.Status = true, resp.StatusCode
		return Answer{}, fault
	case int64(len(body)) > c.c.MaxAnswer:
		err := fmt.Errorf("the answer is longer than %d bytes", c.c.MaxAnswer)
		return Answer{}, &CallError{Kind: TooLarge, Err: err, Sent: true, Status: resp.StatusCode}
	}
	return Answer{Status: resp.StatusCode, Header: resp.Header, Body: c.unsaid(resp.StatusCode, body)}, nil
}

// withTrace notes in sent whether anything of the request has left. A connection that was
// kept may turn out to be closed: then the request is made anew on another.
func withTrace(ctx context.Context, sent *atomic.Bool) context.Context {
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GetConn:      func(string) { sent.Store(false) },
		WroteHeaders: func() { sent.Store(true) },
	})
}

// unsaid strikes the secrets of the call out of an answer that reports a fault: servers
// and proxies quote what they were sent, and what they say goes to the log and into the
// outbox. Other answers are left as they are.
func (c *Caller) unsaid(status int, body []byte) []byte {
	if status >= http.StatusOK && status < http.StatusMultipleChoices && !bytes.Contains(body, []byte(`"error"`)) {
		return body
	}
	return []byte(c.redactor.Replace(string(body)))
}

// address is the base URL, as it was given, with what the request adds.
func (c *Caller) address(r Request) (*url.URL, error) {
	u := *c.base
	if r.Path != "" {
		u.RawPath = strings.TrimRight(u.EscapedPath(), "/") + r.Path
		var err error
		if u.Path, err = url.PathUnescape(u.RawPath); err != nil {
			return nil, errors.New("the request could not be made")
		}
	}
	if more := r.Query.Encode(); more != "" && u.RawQuery != "" {
		u.RawQuery += "&" + more
	} else if more != "" {
		u.RawQuery = more
	}
	u.RawQuery = escaped(u.RawQuery)
	return &u, nil
}

// escaped is a query in which nothing but what cannot be sent is spelt otherwise.
func escaped(query string) string {
	var b strings.Builder
	for i := range len(query) {
		if c := query[i]; c <= ' ' || c >= 0x7f {
			fmt.Fprintf(&b, "%%%02X", c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

func (c *Caller) request(ctx context.Context, r Request) (*http.Request, error) {
	u, err := c.address(r)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, r.Method, u.String(), bytes.NewReader(r.Body))
	if err != nil {
		return nil, errors.New("the request could not be made") // the error has the URL in it
	}
	h := req.Header
	// An empty value is not sent: it tells package http that a repeat is harmless.
	h["X-Idempotency-Key"] = nil
	h.Set("Accept", "application/json")
	h.Set("User-Agent", "aigen")
	if r.Body != nil {
		h.Set("Content-Type", "application/json")
	}
	if c.c.Key != "" {
		h.Set("Authorization", "Bearer "+c.c.Key)
	}
	for _, more := range []http.Header{c.c.Header, r.Header} {
		for name, values := range more {
			h[name] = values
		}
	}
	if c.c.Annotate != nil {
		c.c.Annotate(ctx, h)
	}
	return req, nil
}
