package sse

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func readAll(r io.Reader) ([]Frame, *Reader, error) {
	s := NewReader(r)
	var all []Frame
	for {
		f, err := s.Next()
		if err != nil {
			return all, s, err
		}
		all = append(all, f)
	}
}

func TestFrames(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		in   string
		want []Frame
	}{
		"plain":             {"id: 1\nevent: a\ndata: {}\n\n", []Frame{{"1", true, "a", []byte("{}")}}},
		"CRLF":              {"id: 1\r\nevent: a\r\ndata: {}\r\n\r\n", []Frame{{"1", true, "a", []byte("{}")}}},
		"CR":                {"id: 1\revent: a\rdata: {}\r\r", []Frame{{"1", true, "a", []byte("{}")}}},
		"BOM":               {"\xef\xbb\xbfdata: x\n\n", []Frame{{"", false, "", []byte("x")}}},
		"BOM later":         {"data: y\n\n\xef\xbb\xbfdata: x\n\n", []Frame{{"", false, "", []byte("y")}}},
		"lines of data":     {"data: a\ndata:b\ndata:  c\n\n", []Frame{{"", false, "", []byte("a\nb\n c")}}},
		"heartbeats":        {": ping\n\n:\n\ndata: x\n: within\n\n", []Frame{{"", false, "", []byte("x")}}},
		"no data":           {"event: a\n\ndata: x\n\n", []Frame{{"", false, "", []byte("x")}}},
		"id stays":          {"id: 7\n\ndata: x\n\n", []Frame{{"7", false, "", []byte("x")}}},
		"id with NUL":       {"id: 7\x00\ndata: x\n\n", []Frame{{"", false, "", []byte("x")}}},
		"cut within":        {"data: x\n\nid: 2\ndata: lost\n", []Frame{{"", false, "", []byte("x")}}},
		"cut within a line": {"data: x\n\ndata: los", []Frame{{"", false, "", []byte("x")}}},
		"unknown fields":    {"color: red\ndata\ndata: x\n\n", []Frame{{"", false, "", []byte("\nx")}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, _, err := readAll(strings.NewReader(tc.in))
			require.ErrorIs(t, err, io.EOF)
			assert.Equal(t, tc.want, got)
			byByte, _, _ := readAll(iotest.OneByteReader(strings.NewReader(tc.in)))
			assert.Equal(t, tc.want, byByte)
		})
	}
}

func TestRetryIsRead(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]time.Duration{
		"retry: 1500\n\n": 1500 * time.Millisecond, "retry: -1\n\n": 0, "retry: +1\n\n": 0, "retry: soon\n\n": 0, "retry:\n\n": 0,
		"retry: 99999999999999999999\n\n": 0,
	} {
		_, s, _ := readAll(strings.NewReader(in))
		assert.Equal(t, want, s.Retry, in)
	}
}

func TestALineAfterCRIsNotWaitedFor(t *testing.T) {
	t.Parallel()
	// The connection stays open behind the last CR: the event must come all the same.
	r, w := io.Pipe()
	defer w.Close()
	go func() { _, _ = io.WriteString(w, "data: x\r\r") }()
	f, err := NewReader(r).Next()
	require.NoError(t, err)
	assert.Equal(t, "x", string(f.Data))
}

func TestSizesAreBounded(t *testing.T) {
	t.Parallel()
	long := io.MultiReader(strings.NewReader("data: "), io.LimitReader(zeros{}, 100<<20))
	_, _, err := readAll(long)
	require.ErrorIs(t, err, ErrTooLong)

	line := "data: " + strings.Repeat("x", 1000) + "\n"
	many := io.LimitReader(&repeat{line: []byte(line)}, 100<<20)
	_, _, err = readAll(many)
	require.ErrorIs(t, err, ErrTooLong)
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = '0'
	}
	return len(p), nil
}

type repeat struct {
	line []byte
	rest []byte
}

func (r *repeat) Read(p []byte) (int, error) {
	if len(r.rest) == 0 {
		r.rest = r.line
	}
	n := copy(p, r.rest)
	r.rest = r.rest[n:]
	return n, nil
}

// FuzzSSE: whatever comes, in whatever pieces, the reader ends, stays within its
// bounds, and finds the same events.
func FuzzSSE(f *testing.F) {
	for _, seed := range []string{
		"id: 1\nevent: progress\ndata: {\"progress\":10}\n\n", ":\n\n", "\xef\xbb\xbfdata\r\rdata:\r\n\r\n", "retry: 10\nid\n\n", "data: a\ndata: b\n\n\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		whole, a, errA := readAll(bytes.NewReader(in))
		pieces, b, errB := readAll(iotest.OneByteReader(bytes.NewReader(in)))
		if !errors.Is(errA, io.EOF) && !errors.Is(errA, ErrTooLong) {
			t.Fatalf("unexpected error %v", errA)
		}
		assert.Equal(t, whole, pieces)
		assert.Equal(t, errA, errB)
		assert.Equal(t, a.Retry, b.Retry)
		assert.GreaterOrEqual(t, a.Retry, time.Duration(0))
		for _, fr := range whole {
			assert.NotContains(t, fr.ID, "\n")
			assert.NotContains(t, fr.ID, "\x00")
			assert.LessOrEqual(t, len(fr.Data), maxFrame)
		}
	})
}
