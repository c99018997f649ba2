package auth_test

import (
	"errors"
	"net/http"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen/internal/auth"
)

// TestConcurrentUse is for the race detector: good and forged tokens while keys
// change, the server fails and time passes.
func TestConcurrentUse(t *testing.T) {
	t.Parallel()
	p, at := newIDP(t, jwk("a", edKey.Public()), jwk("b", ecKey.Public())), newClock()
	v := remote(t, p, at)
	good := token(t, edDSA, edKey, kid("a"), claims("exp", start.Add(1000*time.Hour).Unix()))
	accepts(t, v, good)
	forged := token(t, edDSA, edOther, kid("a"), claims())
	unknown := token(t, edDSA, edOther, kid("x"), claims())

	var workers sync.WaitGroup
	for range 8 {
		workers.Go(func() {
			for range 200 {
				if _, err := v.Verify(t.Context(), good); err != nil {
					t.Errorf("a good token: %v", err)
				}
				if _, err := v.Verify(t.Context(), forged); !errors.Is(err, auth.ErrSignature) {
					t.Errorf("a forged token: %v", err)
				}
				if _, err := v.Verify(t.Context(), unknown); err == nil {
					t.Error("an unknown key's token was accepted")
				}
			}
		})
	}
	workers.Go(func() {
		for i := range 50 {
			p.down(i%3 == 0)
			p.publish(jwk("a", edKey.Public()), jwk("b", ecKey.Public(), "n", i))
			at.Advance(3 * time.Minute)
			time.Sleep(time.Millisecond)
		}
	})
	workers.Wait()
	v.Close()
}

func TestCacheIsBounded(t *testing.T) {
	t.Parallel()
	c := config(newClock())
	c.Secret = secret
	v := verifier(t, c)
	for i := range auth.CacheEntries + 1000 {
		accepts(t, v, token(t, hs256, secret, nil, claims("n", i)))
	}
	require.LessOrEqual(t, v.Remembered(), auth.CacheEntries)
	require.Greater(t, v.Remembered(), auth.CacheEntries/2)

	before := v.Remembered()
	refuses(t, v, token(t, hs256, []byte("wrong"), nil, claims()), auth.ErrSignature)
	require.Equal(t, before, v.Remembered(), "what was refused takes no place")
}

func TestRedirectsMustStayEncrypted(t *testing.T) {
	t.Parallel()
	request := func(address string) *http.Request {
		return &http.Request{URL: must(url.Parse(address))}
	}
	first := request("https://id.example/keys")
	require.NoError(t, auth.RefuseDowngrade(request("https://cdn.example/keys"), []*http.Request{first}))
	require.Error(t, auth.RefuseDowngrade(request("http://id.example/keys"), []*http.Request{first}))
	require.Error(t, auth.RefuseDowngrade(first, []*http.Request{first, first, first}))
}
