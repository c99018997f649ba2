package rabbitmq

import (
	"bytes"
	"errors"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// wire remembers each write.
type wire struct {
	net.Conn

	mu     sync.Mutex
	writes [][]byte
	broken error
}

func (*wire) SetWriteDeadline(time.Time) error { return nil }

func (w *wire) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.broken != nil {
		return 0, w.broken
	}
	w.writes = append(w.writes, bytes.Clone(b))
	return len(b), nil
}

func (w *wire) all() []byte { return bytes.Join(w.writes, nil) }

func put(t *testing.T, s *socket, text string) {
	t.Helper()
	n, err := s.Write([]byte(text))
	require.NoError(t, err)
	require.Equal(t, len(text), n)
}

func TestSocketGathers(t *testing.T) {
	t.Parallel()
	w := &wire{}
	s := &socket{Conn: w, timeout: time.Second}
	put(t, s, "a heartbeat")
	require.Len(t, w.writes, 1, "at once, when nobody gathers")
	s.gather()
	put(t, s, " one")
	put(t, s, " two")
	require.Len(t, w.writes, 1)
	require.NoError(t, s.send())
	require.Len(t, w.writes, 2)
	put(t, s, " another")
	require.Equal(t, "a heartbeat one two another", string(w.all()))
}

// Those who publish at the same time wait for each other's messages at most until the
// first of them is through.
func TestSocketSendsForAll(t *testing.T) {
	t.Parallel()
	w := &wire{}
	s := &socket{Conn: w, timeout: time.Second}
	s.gather()
	s.gather()
	put(t, s, "mine")
	require.NoError(t, s.send())
	require.Equal(t, "mine", string(w.all()))
	put(t, s, ", his")
	require.NoError(t, s.send())
	require.Equal(t, "mine, his", string(w.all()))
}

func TestSocketKeepsTheOrderOfWhatIsLarge(t *testing.T) {
	t.Parallel()
	w := &wire{}
	s := &socket{Conn: w, timeout: time.Second}
	large := bytes.Repeat([]byte("x"), bufferSize+1)
	s.gather()
	put(t, s, "before ")
	put(t, s, string(large))
	put(t, s, " after")
	require.NoError(t, s.send())
	require.Equal(t, "before "+string(large)+" after", string(w.all()))
}

func TestSocketTellsWhatIsLost(t *testing.T) {
	t.Parallel()
	w := &wire{}
	s := &socket{Conn: w, timeout: time.Second}
	s.gather()
	put(t, s, "lost")
	w.broken = errors.New("reset by peer")
	require.ErrorIs(t, s.send(), w.broken)
}

func TestSocketUnderMany(t *testing.T) {
	t.Parallel()
	const writers, each = 8, 200
	w := &wire{}
	s := &socket{Conn: w, timeout: time.Second}
	var wg sync.WaitGroup
	for range writers {
		wg.Go(func() {
			for range each {
				s.gather()
				_, err := s.Write([]byte("message."))
				assert.NoError(t, err)
				assert.NoError(t, s.send())
			}
		})
	}
	wg.Wait()
	require.Equal(t, bytes.Repeat([]byte("message."), writers*each), w.all(), "no message is cut, none is lost")
	require.Empty(t, s.buffer)
}
