package httpapi

import (
	"errors"
	"io"
	"net/http"
	"os"
	"time"
)

// Bounds of what is read of a body after its request was answered.
const (
	maxLeftover   = 16 << 20 // bytes of one request
	maxLeftovers  = 256      // requests at a time; each holds a few KiB
	leftoverPiece = 64 << 10 // bytes that come within leftoverWait
	leftoverWait  = 2 * time.Second
)

// requestBody is the body of a request, and remembers how the last read of it ended.
type requestBody struct {
	io.ReadCloser
	err error
}

func (b *requestBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err != nil {
		b.err = err
	}
	return n, err
}

// over reports whether nothing more is to be had of the body.
func (b *requestBody) over() bool {
	return b.ReadCloser == nil || b.err != nil && !errors.Is(b.err, os.ErrDeadlineExceeded)
}

// watchBody has rec know what is read of the body of r, which is a copy of the server's
// request: package http looks at its own.
func watchBody(rec *recorder, r *http.Request) {
	if r.Body != nil && r.Body != http.NoBody {
		rec.body.ReadCloser = r.Body
		r.Body = &rec.body
	}
}

// takeLeftover sends the answer, and then takes what the handler has not read of the
// body. A connection that is closed with unread bytes is reset, and the reset can
// overtake the answer: the client sees a broken connection, and a proxy says 502. Most
// answers to strangers come before their body was read. What is taken is bounded for
// each request and for all: whoever sends more, or sends slowly, or comes when too many
// others do, may lose the answer.
func (a *API) takeLeftover(w http.ResponseWriter, b *requestBody) {
	if b.over() {
		return
	}
	select {
	case a.leftovers <- struct{}{}:
		defer func() { <-a.leftovers }()
	default:
		return
	}
	control := http.NewResponseController(w)
	if err := control.Flush(); err != nil {
		return
	}
	// Not over the recorder: package http must see that the bound was passed. It then
	// gives the client a moment to read the answer before it closes the connection.
	rest := http.MaxBytesReader(w, b, maxLeftover)
	for end := time.Now().Add(a.c.ReadTimeout); time.Now().Before(end); {
		piece := min(leftoverWait, time.Until(end))
		if err := control.SetReadDeadline(time.Now().Add(piece)); err != nil {
			return
		}
		if _, err := io.CopyN(io.Discard, rest, leftoverPiece); err != nil {
			return
		}
	}
}
