package client

import (
	"io"
	"time"
)

// watched lets the time of silence run while we wait for bytes, and only then: a
// caller may take as long as it likes over what has come.
type watched struct {
	r       io.Reader
	silence *time.Timer
	limit   time.Duration
	contact *time.Time // set whenever something comes
}

func (w *watched) Read(p []byte) (int, error) {
	w.silence.Reset(w.limit)
	n, err := w.r.Read(p)
	w.silence.Stop()
	if n > 0 {
		*w.contact = time.Now()
	}
	return n, err
}
