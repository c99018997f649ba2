package client

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	mathrand "math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// maxAnswer bounds the body of an answer, in bytes: a list has 1 MiB at most, and a
// generation, with 8 samples of 20 KiB each, less than that.
const maxAnswer = 4 << 20

// NewKey makes an Idempotency-Key.
func NewKey() string { return rand.Text() }

// request is one call, over all its tries.
type request struct {
	method string
	path   string // below /api/v1
	key    string // Idempotency-Key; "" for what changes nothing
	body   []byte
}

// call does a request until it has an answer that will not change by asking again,
// and reads the answer into out.
func (c *Client) call(ctx context.Context, r request, in, out any) error {
	if in != nil {
		body, err := json.Marshal(in)
		if err != nil {
			return fmt.Errorf("%s %s: %w", r.method, r.path, err)
		}
		r.body = body
	}
	for try := 1; ; try++ {
		answer, err := c.once(ctx, r)
		if err == nil {
			if err := json.Unmarshal(answer, out); err != nil {
				return unexpected(r.method, r.path, err)
			}
			return nil
		}
		delay, again := c.again(ctx, err, try)
		if !again {
			return err
		}
		if sleep(ctx, delay) != nil {
			return err // what went wrong says more than "cancelled"
		}
	}
}

// again decides whether to try once more after err, and when.
func (c *Client) again(ctx context.Context, err error, try int) (time.Duration, bool) {
	if ctx.Err() != nil || try >= c.Attempts {
		return 0, false
	}
	delay := c.backoff(try)
	var p *Problem
	if errors.As(err, &p) {
		if !p.passing() || p.RetryAfter > c.MaxDelay {
			return 0, false
		}
		delay = max(delay, p.RetryAfter)
	}
	return delay, true
}

// once does one try. The error is a *Problem or a fault of the network.
func (c *Client) once(ctx context.Context, r request) ([]byte, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, c.CallTimeout, fmt.Errorf("%s %s: no answer in %s", r.method, r.path, c.CallTimeout))
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, r.method, c.endpoint(r.path), bytes.NewReader(r.body))
	if err != nil {
		return nil, err
	}
	if err := c.authorize(req); err != nil {
		return nil, err
	}
	req.Header.Set("Accept", "application/json")
	if r.body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if r.key != "" {
		req.Header.Set("Idempotency-Key", r.key)
	}
	res, err := c.api.Do(req)
	if err != nil {
		return nil, c.unreachable(ctx, err)
	}
	defer res.Body.Close()
	if res.StatusCode < 200 || res.StatusCode > 299 {
		return nil, readProblem(res, time.Now())
	}
	answer, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer+1))
	switch {
	case err != nil:
		return nil, c.unreachable(ctx, err)
	case len(answer) > maxAnswer:
		return nil, unexpected(r.method, r.path, errors.New("it is too long"))
	}
	return answer, nil
}

func (c *Client) authorize(req *http.Request) error {
	req.Header.Set("User-Agent", c.UserAgent)
	if c.Token == nil {
		return nil
	}
	token, err := c.Token(req.Context())
	if err == nil && strings.ContainsAny(token, " \t\r\n") {
		err = errors.New("the token has white space in it")
	}
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+token)
	return nil
}

// unreachable says it in words that name the service, not the whole request.
func (c *Client) unreachable(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err
	}
	return fmt.Errorf("the service at %s cannot be reached: %w", c.URL(), err)
}

// backoff is the delay after try number try: doubled each time, and anywhere from
// half of that to all of it, so that many clients do not come back at once.
func (c *Client) backoff(try int) time.Duration {
	d := c.MaxDelay
	if shift := try - 1; shift < 16 && c.MinDelay<<shift < c.MaxDelay {
		d = c.MinDelay << shift
	}
	return d/2 + mathrand.N(d/2+1) //nolint:gosec // G404: spreads retries, guards nothing
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		return nil
	}
}
