package worker

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync/atomic"

	"github.com/creativeflow/aigen"
)

const (
	maxAnswer      = 64 << 20 // bytes, unpacked
	maxErrorAnswer = 64 << 10
)

// reply is a whole answer.
type reply struct {
	status int
	header http.Header
	body   []byte
}

func (r reply) good() bool { return r.status >= 200 && r.status < 300 }

// errTooLarge is returned for an answer beyond maxAnswer.
var errTooLarge = fmt.Errorf("the answer is larger than %d bytes", maxAnswer)

// brokenError is a request without a whole answer. sent says that it had left: what became
// of it is not known, and it may have been paid for.
type brokenError struct {
	sent    bool
	timeout bool // of our own
	err     error
}

// Error implements error.
func (e *brokenError) Error() string { return e.err.Error() }

// Unwrap returns the cause.
func (e *brokenError) Unwrap() error { return e.err }

// send makes one request. The time-out begins here: whoever waits for a turn does not use
// it up. Errors: *brokenError, errTooLarge.
func (p *ImageAPI) send(ctx context.Context, r imageRequest) (reply, error) {
	if p.timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, p.timeout, fmt.Errorf("image request: no answer within %s", p.timeout))
		defer cancel()
	}
	var sent atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{WroteHeaders: func() { sent.Store(true) }})
	fail := func(err error) error {
		var u *url.Error
		if errors.As(err, &u) {
			err = u.Err // the URL is left out: an operator knows it, and it may hold a password
		}
		broken := &brokenError{sent: sent.Load(), err: err}
		if ctx.Err() != nil {
			broken.timeout, broken.err = true, context.Cause(ctx)
		}
		return broken
	}
	resp, err := p.post(ctx, r)
	if err != nil {
		return reply{}, fail(err)
	}
	defer func() { _ = resp.Body.Close() }()
	a := reply{status: resp.StatusCode, header: resp.Header}
	if !a.good() {
		a.body, _ = io.ReadAll(io.LimitReader(resp.Body, maxErrorAnswer)) // what came of it is enough
		return a, nil
	}
	if a.body, err = io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1)); err != nil {
		return reply{}, fail(err)
	}
	if len(a.body) > maxAnswer {
		return reply{}, errTooLarge
	}
	return a, nil
}

func (p *ImageAPI) post(ctx context.Context, r imageRequest) (*http.Response, error) {
	body, err := json.Marshal(r)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.endpoint.generate, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", "application/json")
	p.identify(req)
	return p.client.Do(req)
}

// identify says who asks.
func (p *ImageAPI) identify(req *http.Request) {
	req.Header.Set("User-Agent", "aigen")
	if p.key == "" {
		return
	}
	req.Header.Set("Authorization", "Bearer "+p.key)
	if p.endpoint.azure {
		req.Header.Set("Api-Key", p.key)
	}
}

// stayThere follows a redirect only within the server that was configured, and only
// if it is still the same request. Anybody else would get the key, or the prompt; the
// answer with the redirect is then treated as the refusal that it is.
func stayThere(req *http.Request, via []*http.Request) error {
	first := via[0]
	if req.URL.Scheme != first.URL.Scheme || !strings.EqualFold(req.URL.Host, first.URL.Host) ||
		req.Method != first.Method || len(via) > 3 {
		return http.ErrUseLastResponse
	}
	return nil
}

const (
	tooLate   = "The image service did not answer in time."
	notUsable = "The image service gave an answer that cannot be used."
)

// unusable is for an answer that was paid for, or would come again.
func unusable(err error) error {
	return &PaintError{Code: aigen.CodeGenerationFailed, Err: err, Message: notUsable}
}
