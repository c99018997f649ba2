package auth

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// refreshAfter is the age at which a set is fetched again: so long may a
	// key that was withdrawn still be believed while tokens come in.
	refreshAfter = 5 * time.Minute
	// staleAfter is the age at which a token waits for the new set, for a
	// service that nobody called in between. Not when the server is down.
	staleAfter = 2 * refreshAfter
	// refetchAfter is the least time between two fetches, however many tokens
	// name unknown keys. A new key is thus seen at most so long after.
	refetchAfter = 10 * time.Second
	// maxRetryAfter caps the wait after failures: 1 s, 2 s, 4 s …
	maxRetryAfter = 30 * time.Second
)

// remoteKeys keeps the keys of a JWKS URL. keyfunc and jwkset's own client are
// not used for that: on an unknown kid they make each request wait for a rate
// limiter (five minutes by default) that anybody can exhaust with made-up kids,
// a first fetch that fails is tried again only after an hour, and one bad key
// fails the whole set.
type remoteKeys struct {
	url    string
	client *http.Client
	now    func() time.Time
	log    *slog.Logger
	ctx    context.Context //nolint:containedctx // of the fetches: a caller that hangs up must not end one that others wait for
	cancel context.CancelFunc
	set    atomic.Pointer[keySet] // nil until the first success

	mu       sync.Mutex
	fetching *fetch // nil when none is under way
	nextTry  time.Time
	failures int   // since the last success
	lastErr  error // of the last fetch
	closed   bool
}

// fetch is one request to the server, which any number of callers wait for.
type fetch struct{ done chan struct{} }

func newRemoteKeys(ctx context.Context, c Config) (*remoteKeys, error) {
	u, err := keysURL(c.JWKSURL)
	if err != nil {
		return nil, err
	}
	if u.Scheme == "http" {
		c.Logger.WarnContext(ctx, "JWT_JWKS_URL is plain http: whoever can change its answers can make tokens")
	}
	if c.Audience == "" {
		c.Logger.WarnContext(ctx, "JWT_AUDIENCE is not set: a token that the issuer made for another program is accepted too")
	}
	r := unfetched(ctx, c)
	r.start()
	return r, nil
}

func unfetched(ctx context.Context, c Config) *remoteKeys {
	r := &remoteKeys{url: c.JWKSURL, client: c.HTTPClient, now: c.Now, log: c.Logger}
	if r.client == nil {
		r.client = &http.Client{CheckRedirect: refuseDowngrade}
	}
	r.ctx, r.cancel = context.WithCancel(ctx)
	return r
}

// keysURL checks the address. The error quotes nothing: it may hold a password.
func keysURL(raw string) (*url.URL, error) {
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http") {
		return nil, errors.New("JWT_JWKS_URL is not an address: set it to https://…")
	}
	if u.User != nil {
		return nil, errors.New("JWT_JWKS_URL holds a user name or password: a JWKS is public, take them out")
	}
	return u, nil
}

// find looks the key up, and fetches the set again when that could help.
func (r *remoteKeys) find(ctx context.Context, kid, alg string) (key any, version uint64, err error) {
	if !acceptedFromRemote(alg) {
		return nil, 0, fmt.Errorf("%w: %.20q", ErrAlgorithm, alg)
	}
	if set := r.fresh(ctx); set != nil {
		if key, known, err := set.lookup(kid, alg); known {
			return key, set.version, err
		}
	}
	fetchErr := r.wait(ctx, r.start())
	if set := r.set.Load(); set != nil {
		key, known, err := set.lookup(kid, alg)
		if known || fetchErr == nil {
			return key, set.version, err
		}
	}
	return nil, 0, fmt.Errorf("%w: %w", ErrKeysUnavailable, fetchErr)
}

// fresh returns the set at hand and sees to it that it is renewed in time. An
// old set is better than none: it stays in use while the server is down.
func (r *remoteKeys) fresh(ctx context.Context) *keySet {
	set := r.set.Load()
	if set == nil {
		return nil
	}
	age := r.now().Sub(set.fetched)
	if age < refreshAfter {
		return set
	}
	f := r.start()
	if age >= staleAfter && !r.failing() {
		_ = r.wait(ctx, f) // what came of it is in r.set
	}
	return r.set.Load()
}

func (r *remoteKeys) current() (version uint64, ok bool) {
	set := r.set.Load()
	if set == nil || r.now().Sub(set.fetched) >= refreshAfter {
		return 0, false
	}
	return set.version, true
}

// start returns the fetch under way, or begins one if it is time for one; nil
// when it is not.
func (r *remoteKeys) start() *fetch {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.fetching != nil {
		return r.fetching
	}
	if r.closed || r.now().Before(r.nextTry) {
		return nil
	}
	f := &fetch{done: make(chan struct{})}
	r.fetching = f
	go r.run(f)
	return f
}

// wait returns how the fetch ended, or for nil how the last one did.
func (r *remoteKeys) wait(ctx context.Context, f *fetch) error {
	if f != nil {
		select {
		case <-f.done:
		case <-ctx.Done():
			return fmt.Errorf("waiting for the JWKS: %w", context.Cause(ctx))
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.lastErr == nil && r.set.Load() == nil {
		return errors.New("the JWKS was not fetched: the verifier is closed")
	}
	return r.lastErr
}

func (r *remoteKeys) failing() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.failures > 0
}

// close ends a fetch under way and waits until it is gone.
func (r *remoteKeys) close() {
	r.mu.Lock()
	r.closed = true
	f := r.fetching
	r.mu.Unlock()
	r.cancel()
	if f != nil {
		<-f.done
	}
}
