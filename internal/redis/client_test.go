package redis_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen/internal/redis"
)

// A password turns up in no error and no log, also where the URL is wrong because of it.
func TestPasswordStaysSecret(t *testing.T) {
	t.Parallel()
	for _, url := range []string{
		"redis://:sesame", "redis://user:sesame", "redis://:ses/ame@h:1", "redis://:se#same@h", "redis://:se%zzsame@h",
		"redis://h:sesame/0", "redis://h/sesame", "http://:sesame@h", "redis://h?ses%40ame=1", "redis://h/0?ses%20ame=1", "redis://h?dial_timeout=sesame", "redis://h?db=sesame", "sesame", "redis://:sesame@h:1:2", "",
	} {
		c, err := redis.New(url, redis.Options{})
		if err == nil {
			require.NoError(t, c.Close()) // strange, and a host by that name may exist
			continue
		}
		for _, part := range []string{"ses", "same", "ame@"} {
			assert.NotContains(t, err.Error(), part, url)
		}
		assert.Contains(t, err.Error(), "REDIS_URL")
	}

	s := server(t, "--requirepass", "open barley")
	wrong := strings.Replace(s.URL(), "redis://", "redis://:sesame@", 1)
	c, log := connect(t, wrong)
	err := c.Check(t.Context())
	require.ErrorContains(t, err, "WRONGPASS")
	assert.NotContains(t, err.Error(), "sesame")
	require.Eventually(t, func() bool { return c.Degraded() != "" }, timely, time.Millisecond)
	assert.Contains(t, log.String(), "WRONGPASS")
	assert.NotContains(t, log.String(), "sesame")

	right := strings.Replace(s.URL(), "redis://", "redis://:open%20barley@", 1)
	c, _ = connect(t, right)
	require.NoError(t, c.Check(t.Context()))
}

func TestUnixSocket(t *testing.T) {
	t.Parallel()
	s := server(t)
	c, _ := connect(t, "unix://"+s.socket()+"?db=3")
	require.NoError(t, c.Check(t.Context()))
	l := limiter(c, ten)
	user := newID()
	l.Allow(t.Context(), user)
	require.EqualValues(t, 1, admin(t, "unix://"+s.socket()+"?db=3").Exists(t.Context(), key(user)).Val())
}

// Services that use different databases of one Redis hear nothing of each other:
// Redis itself does not keep their channels apart.
func TestDatabasesAreApart(t *testing.T) {
	t.Parallel()
	s := server(t)
	a, _ := replicas(t, s.URL(), never)
	stream := a.follow(admin(t, s.URL()))
	_, stranger := replicas(t, strings.TrimSuffix(s.URL(), "0")+"1", never)
	stranger.untilLive()
	stranger.user = a.user
	stranger.mustCreate()
	stranger.until("the message is sent", func() bool { return stranger.bus.Stats().Sent == 1 })
	id := a.mustCreate()
	assert.Equal(t, id, next(t, stream).GenerationID)
	assert.Zero(t, a.bus.Stats().Received)
}

func TestCheck(t *testing.T) {
	t.Parallel()
	s := server(t)
	c, _ := connect(t, s.URL())
	require.NoError(t, c.Check(t.Context()))
	assert.Empty(t, c.Degraded())
	from := admin(t, s.URL())
	keys, err := from.Keys(t.Context(), "aigen:check:*").Result()
	require.NoError(t, err)
	assert.Empty(t, keys)
	require.NoError(t, from.Do(t.Context(), "ACL", "SETUSER", "default", "-publish").Err())
	require.ErrorContains(t, c.Check(t.Context()), "redis cannot carry events (SUBSCRIBE, PUBLISH): NOPERM")
	require.Eventually(t, func() bool { return c.Degraded() != "" }, timely, time.Millisecond)
	require.NoError(t, s.Kill())
	require.ErrorContains(t, c.Check(t.Context()), "redis cannot be reached")
}
