package auth_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen/internal/auth"
)

func TestJWKSMayBeDownAtStart(t *testing.T) {
	t.Parallel()
	p, at := newIDP(t, jwk("a", edKey.Public())), newClock()
	p.down(true)
	v := remote(t, p, at)
	text := token(t, edDSA, edKey, kid("a"), claims())

	for range 100 {
		refuses(t, v, text, auth.ErrKeysUnavailable)
	}
	require.EqualValues(t, 1, p.fetches.Load(), "requests must not hammer a server that is down")

	at.Advance(time.Second) // the first retry; the next waits for two more
	refuses(t, v, text, auth.ErrKeysUnavailable)
	at.Advance(time.Second)
	refuses(t, v, text, auth.ErrKeysUnavailable)
	require.EqualValues(t, 2, p.fetches.Load())

	p.down(false)
	at.Advance(time.Second)
	accepts(t, v, text)
	require.EqualValues(t, 3, p.fetches.Load())
}

func TestJWKSFirstFetchIsShared(t *testing.T) {
	t.Parallel()
	p := newIDP(t, jwk("a", edKey.Public()))
	release := p.block()
	t.Cleanup(release)
	v := remote(t, p, newClock())
	text := token(t, edDSA, edKey, kid("a"), claims())

	// One caller hangs up: it gets an answer, and the fetch goes on.
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := v.Verify(gone, text)
	require.ErrorIs(t, err, auth.ErrKeysUnavailable)
	require.ErrorIs(t, err, context.Canceled)

	var wg sync.WaitGroup
	errs := make([]error, 50)
	for i := range errs {
		wg.Go(func() { _, errs[i] = v.Verify(t.Context(), text) })
	}
	release()
	wg.Wait()
	require.NoError(t, errors.Join(errs...))
	require.EqualValues(t, 1, p.fetches.Load())
}

func TestJWKSUnknownKidsCauseFewFetches(t *testing.T) {
	t.Parallel()
	p, at := newIDP(t, jwk("a", edKey.Public())), newClock()
	v := remote(t, p, at)
	good := token(t, edDSA, edKey, kid("a"), claims())
	accepts(t, v, good)

	for round := range 3 {
		var wg sync.WaitGroup
		for worker := range 8 {
			wg.Go(func() {
				for i := range 50 {
					text := token(t, edDSA, edOther, kid(fmt.Sprintf("%d-%d-%d", round, worker, i)), claims())
					_, err := v.Verify(t.Context(), text)
					if !errors.Is(err, auth.ErrUnknownKey) {
						t.Errorf("got %v", err)
					}
				}
			})
		}
		wg.Wait()
		require.EqualValues(t, 1+round, p.fetches.Load(), "one fetch in ten seconds")
		accepts(t, v, good)
		at.Advance(10 * time.Second)
	}
}

func TestJWKSRotationIsPickedUp(t *testing.T) {
	t.Parallel()
	p, at := newIDP(t, jwk("old", edKey.Public())), newClock()
	v := remote(t, p, at)
	before, after := token(t, edDSA, edKey, kid("old"), claims()), token(t, rs256, rsaKey, kid("new"), claims())
	accepts(t, v, before)

	p.publish(jwk("new", rsaKey.Public()), jwk("old", edKey.Public()))
	refuses(t, v, after, auth.ErrUnknownKey) // within ten seconds of the last fetch
	at.Advance(10 * time.Second)
	accepts(t, v, after)
	accepts(t, v, before)

	// The old key goes. The token that it signed is in the cache, under the
	// keys of before, and is refused as soon as the new set is there.
	p.publish(jwk("new", rsaKey.Public()))
	at.Advance(10 * time.Second)
	refuses(t, v, token(t, edDSA, edOther, kid("unknown"), claims()), auth.ErrUnknownKey)
	refuses(t, v, before, auth.ErrUnknownKey)
	accepts(t, v, after)
}

func TestJWKSKeyIsReplacedUnderTheSameKid(t *testing.T) {
	t.Parallel()
	p, at := newIDP(t, jwk("a", edKey.Public())), newClock()
	v := remote(t, p, at)
	before := token(t, edDSA, edKey, kid("a"), claims())
	accepts(t, v, before)
	p.publish(jwk("a", edOther.Public()))
	at.Advance(11 * time.Minute)
	refuses(t, v, before, auth.ErrSignature)
}

func TestJWKSWithdrawnKeyIsForgotten(t *testing.T) {
	t.Parallel()
	p, at := newIDP(t, jwk("a", edKey.Public())), newClock()
	v := remote(t, p, at)
	text := token(t, edDSA, edKey, kid("a"), claims())
	accepts(t, v, text)
	p.publish(jwk("b", edOther.Public()))

	at.Advance(4 * time.Minute)
	accepts(t, v, text)
	require.EqualValues(t, 1, p.fetches.Load())

	at.Advance(time.Minute) // the next token has the set fetched, without waiting for it
	require.Eventually(t, func() bool {
		_, err := v.Verify(t.Context(), text)
		return errors.Is(err, auth.ErrUnknownKey)
	}, time.Minute, time.Millisecond)
	require.EqualValues(t, 2, p.fetches.Load())
}

func TestJWKSAfterAQuietTimeIsFetchedFirst(t *testing.T) {
	t.Parallel()
	p, at := newIDP(t, jwk("a", edKey.Public())), newClock()
	v := remote(t, p, at)
	text := token(t, edDSA, edKey, kid("a"), claims())
	accepts(t, v, text)
	p.publish([]map[string]any{}...) // everything is withdrawn
	at.Advance(10 * time.Minute)
	refuses(t, v, text, auth.ErrUnknownKey)
}

func TestJWKSKeysStayUsableWhileTheServerIsDown(t *testing.T) {
	t.Parallel()
	p, at := newIDP(t, jwk("a", edKey.Public())), newClock()
	v := remote(t, p, at)
	text := token(t, edDSA, edKey, kid("a"), claims("exp", start.Add(48*time.Hour).Unix()))
	accepts(t, v, text)
	p.down(true)
	for range 24 {
		at.Advance(time.Hour)
		accepts(t, v, text)
	}
	// Whether a key that is not known is a new one cannot be told now.
	refuses(t, v, token(t, edDSA, edOther, kid("b"), claims("exp", start.Add(48*time.Hour).Unix())), auth.ErrKeysUnavailable)

	// A server that hangs holds nobody up who has a known key.
	release := p.block()
	t.Cleanup(release)
	at.Advance(time.Hour)
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Second) // the fetch is given up after 5 s
	defer cancel()
	for range 100 {
		_, err := v.Verify(ctx, text)
		require.NoError(t, err)
	}
	require.NoError(t, ctx.Err())
}

func TestJWKSBrokenAnswersKeepTheOldKeys(t *testing.T) {
	t.Parallel()
	many := make([]map[string]any, 101)
	for i := range many {
		many[i] = jwk(strconv.Itoa(i), edOther.Public())
	}
	for name, keys := range map[string][]map[string]any{
		"no list": nil, "too many": many, "too large": {jwk("b", edOther.Public(), "x5c", string(make([]byte, 1<<20)))},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, at := newIDP(t, jwk("a", edKey.Public())), newClock()
			v := remote(t, p, at)
			text := token(t, edDSA, edKey, kid("a"), claims())
			accepts(t, v, text)
			p.publish(keys...)
			at.Advance(11 * time.Minute)
			accepts(t, v, text)
			require.EqualValues(t, 2, p.fetches.Load())
		})
	}
}

func TestJWKSCloseEndsAFetch(t *testing.T) {
	t.Parallel()
	p := newIDP(t, jwk("a", edKey.Public()))
	t.Cleanup(p.block())
	v := remote(t, p, newClock())
	v.Close()
	v.Close() // twice does no harm
	refuses(t, v, token(t, edDSA, edKey, kid("a"), claims()), auth.ErrKeysUnavailable)

	open := remote(t, newIDP(t, jwk("a", edKey.Public())), newClock())
	accepts(t, open, token(t, edDSA, edKey, kid("a"), claims()))
	open.Close()
	accepts(t, open, token(t, edDSA, edKey, kid("a"), claims("x", 1)))
}
