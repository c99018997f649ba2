// Package objecttest is the suite that every store of pictures passes.
package objecttest

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"io"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen/internal/assets"
)

// Run tries a store. open returns a new view of the same store each time, as another
// replica has it.
func Run(t *testing.T, open func(t *testing.T) assets.Objects) {
	t.Helper()
	for name, test := range map[string]func(*testing.T, func(*testing.T) assets.Objects){
		"reads what was put": readsWhatWasPut, "reads ranges": readsRanges, "replaces": replaces, "deletes": deletes,
		"lists all": listsAll, "is never seen half": neverHalf, "checks itself": checks, "presigns": presigns,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, open)
		})
	}
}

func key() string { return fmt.Sprintf("zz/%x/original", random(16)) }

func random(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b)
	return b
}

func read(t *testing.T, s assets.Objects, key string) []byte {
	t.Helper()
	o, err := s.Open(t.Context(), key)
	require.NoError(t, err)
	defer o.Close()
	data, err := io.ReadAll(o)
	require.NoError(t, err)
	require.EqualValues(t, len(data), o.Size())
	return data
}

func readsWhatWasPut(t *testing.T, open func(*testing.T) assets.Objects) {
	s, other := open(t), open(t)
	for _, size := range []int{0, 1, 100_000, 6 << 20} {
		k, data := key(), random(size)
		require.NoError(t, s.Put(t.Context(), k, data, "image/png"))
		require.True(t, bytes.Equal(data, read(t, other, k)), size)
		require.NoError(t, s.Delete(t.Context(), k))
	}
	_, err := s.Open(t.Context(), key())
	require.ErrorIs(t, err, assets.ErrNoObject)
}

func readsRanges(t *testing.T, open func(*testing.T) assets.Objects) {
	s, k, data := open(t), key(), random(300_000)
	require.NoError(t, s.Put(t.Context(), k, data, "image/png"))
	o, err := s.Open(t.Context(), k)
	require.NoError(t, err)
	defer o.Close()
	for _, at := range []int64{200_000, 0, 299_999} {
		_, err = o.Seek(at, io.SeekStart)
		require.NoError(t, err)
		part := make([]byte, min(1000, 300_000-at))
		_, err = io.ReadFull(o, part)
		require.NoError(t, err)
		require.Equal(t, data[at:at+int64(len(part))], part)
	}
}

func replaces(t *testing.T, open func(*testing.T) assets.Objects) {
	s, k := open(t), key()
	require.NoError(t, s.Put(t.Context(), k, []byte("before, and longer"), "image/png"))
	require.NoError(t, s.Put(t.Context(), k, []byte("after"), "image/png"))
	require.Equal(t, "after", string(read(t, s, k)))
}

func deletes(t *testing.T, open func(*testing.T) assets.Objects) {
	s, k, other := open(t), key(), key()
	require.NoError(t, s.Put(t.Context(), k, []byte("x"), "image/png"))
	require.NoError(t, s.Put(t.Context(), other, []byte("y"), "image/png"))
	require.NoError(t, s.Delete(t.Context(), k, key()))
	require.NoError(t, s.Delete(t.Context(), k))
	_, err := s.Open(t.Context(), k)
	require.ErrorIs(t, err, assets.ErrNoObject)
	require.Equal(t, "y", string(read(t, s, other)))
}

func listsAll(t *testing.T, open func(*testing.T) assets.Objects) {
	s, want := open(t), map[string]int64{}
	for i := range 5 {
		k := key()
		require.NoError(t, s.Put(t.Context(), k, random(i), "image/png"))
		want[k] = int64(i)
	}
	for info, err := range s.Each(t.Context()) {
		require.NoError(t, err)
		if size, ok := want[info.Key]; ok {
			require.Equal(t, size, info.Size)
			require.WithinDuration(t, time.Now(), info.Modified, time.Hour)
			delete(want, info.Key)
		}
	}
	require.Empty(t, want)
}

// neverHalf reads while the object is written over and over: each read is one of the values.
func neverHalf(t *testing.T, open func(*testing.T) assets.Objects) {
	s, k := open(t), key()
	a, b := bytes.Repeat([]byte("a"), 200_000), bytes.Repeat([]byte("b"), 150_000)
	require.NoError(t, s.Put(t.Context(), k, a, "image/png"))
	var writing sync.WaitGroup
	writing.Go(func() {
		for i := range 20 {
			data := a
			if i%2 == 0 {
				data = b
			}
			if err := s.Put(t.Context(), k, data, "image/png"); err != nil {
				t.Errorf("put: %v", err)
			}
		}
	})
	for range 20 {
		o, err := s.Open(t.Context(), k)
		require.NoError(t, err)
		data, err := io.ReadAll(o)
		_ = o.Close()
		if err != nil {
			continue // a server may say that the object has changed
		}
		require.True(t, bytes.Equal(data, a) || bytes.Equal(data, b))
	}
	writing.Wait()
}

func checks(t *testing.T, open func(*testing.T) assets.Objects) {
	require.NoError(t, open(t).Check(t.Context()))
}

func presigns(t *testing.T, open func(*testing.T) assets.Objects) {
	p, ok := open(t).(assets.Presigner)
	if !ok {
		return // a folder has no URLs
	}
	s, k := open(t), key()
	require.NoError(t, s.Put(t.Context(), k, []byte("picture"), "image/png"))
	address, err := p.Presign(t.Context(), k, time.Minute, `attachment; filename="a.png"`)
	require.NoError(t, err)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, http.NoBody)
	require.NoError(t, err)
	resp, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, resp.StatusCode, string(body))
	require.Equal(t, "picture", string(body))
	require.Equal(t, `attachment; filename="a.png"`, resp.Header.Get("Content-Disposition"))
}
