package auth

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// CheckKeys fetches the key set once, as a Verifier does, and tells how many of its
// keys tokens can be checked with. The error is for operators; none of it is secret.
func CheckKeys(ctx context.Context, c Config) (usable int, err error) {
	if _, err := keysURL(c.JWKSURL); err != nil {
		return 0, err
	}
	r := unfetched(ctx, c)
	defer r.cancel()
	defer r.client.CloseIdleConnections()
	set, err := r.get()
	if err != nil {
		return 0, err
	}
	if usable = set.usable(); usable == 0 {
		return 0, fmt.Errorf("the JWKS holds no key that tokens can be checked with (RS256, ES256 or EdDSA): %w", errors.Join(set.skipped...))
	}
	return usable, nil
}

// KeyState says whether keys are at hand.
type KeyState struct {
	Fetched time.Time // when the keys at hand came; zero: there are none
	Err     error     // why they could not be fetched when that was last tried; nil: they could
}

// Keys tells the state of the keys of JWT_JWKS_URL; remote is false for another key,
// which is always at hand. It waits for nobody. If the last fetch failed and it is time
// for another one, it begins that, so that somebody who only asks sees them come back.
func (v *Verifier) Keys() (s KeyState, remote bool) {
	r, remote := v.keys.(*remoteKeys)
	if !remote {
		return KeyState{}, false
	}
	if set := r.set.Load(); set != nil {
		s.Fetched = set.fetched
	}
	if s.Fetched.IsZero() || r.failing() {
		r.start()
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	s.Err = r.lastErr
	return s, true
}
