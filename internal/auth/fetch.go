package auth

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"
)

const (
	fetchTimeout = 5 * time.Second
	maxSetBytes  = 1 << 20
)

// run does one fetch and records what came of it.
func (r *remoteKeys) run(f *fetch) {
	set, err := r.get()
	if err == nil {
		r.adopt(set)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	defer close(f.done)
	r.fetching, r.lastErr = nil, err
	if err == nil {
		r.failures, r.nextTry = 0, r.now().Add(refetchAfter)
		return
	}
	retry := maxRetryAfter
	if r.failures < 5 { // 1 s << 5 is over the cap
		retry = min(retry, time.Second<<r.failures)
	}
	r.failures++
	r.nextTry = r.now().Add(retry)
	if r.ctx.Err() == nil {
		r.log.WarnContext(r.ctx, "the JWKS cannot be fetched", "error", err,
			"failures", r.failures, "retry_after", retry, "old_keys_in_use", r.set.Load() != nil)
	}
}

// adopt makes the set the current one. The version changes only with the
// content, so that an unchanged answer keeps the verified tokens.
func (r *remoteKeys) adopt(set *keySet) {
	old := r.set.Load()
	set.fetched = r.now()
	if old != nil && old.sum == set.sum {
		set.version = old.version
		r.set.Store(set)
		return
	}
	set.version = 1
	if old != nil {
		set.version = old.version + 1
	}
	r.set.Store(set)
	usable := set.usable()
	if usable == 0 {
		// Obeyed all the same: this is how an issuer withdraws everything.
		r.log.WarnContext(r.ctx, "the JWKS holds no key that tokens can be checked with", "skipped", errors.Join(set.skipped...))
		return
	}
	r.log.InfoContext(r.ctx, "new keys from the JWKS", "usable", usable, "skipped", len(set.skipped))
}

func (r *remoteKeys) get() (*keySet, error) {
	ctx, cancel := context.WithTimeoutCause(r.ctx, fetchTimeout,
		fmt.Errorf("fetching the JWKS took longer than %s", fetchTimeout))
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, r.url, http.NoBody)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", "application/jwk-set+json, application/json")
	resp, err := r.client.Do(req)
	if err != nil {
		// Without the URL: package url masks a password in it, and not a token.
		var u *url.Error
		if errors.As(err, &u) {
			err = u.Err
		}
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("the JWKS server answered %s", resp.Status)
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxSetBytes+1))
	if err != nil {
		return nil, fmt.Errorf("reading the JWKS: %w", err)
	}
	if len(body) > maxSetBytes {
		return nil, fmt.Errorf("the JWKS is larger than %d bytes", maxSetBytes)
	}
	return parseKeySet(body)
}

// refuseDowngrade keeps a redirect from moving an https JWKS to plain http,
// where anybody on the way could put in a key.
func refuseDowngrade(req *http.Request, via []*http.Request) error {
	if via[0].URL.Scheme == "https" && req.URL.Scheme != "https" {
		return errors.New("the JWKS server redirects from https to http")
	}
	if len(via) >= 3 {
		return errors.New("the JWKS server redirects too often")
	}
	return nil
}
