package httpapi

import (
	"bytes"
	"errors"
	"io"
	"mime"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
)

// readBody reads a JSON body and checks its form, in the order in which a caller
// can do something about it: encoding, type, size, and then the text itself.
func (a *API) readBody(w http.ResponseWriter, r *http.Request, limit int64, rules jsonRules) ([]byte, error) {
	if err := checkMedia(r.Header); err != nil {
		return nil, err
	}
	body, err := a.readAll(w, r, limit, nil)
	if err != nil {
		return nil, err
	}
	if a.c.DetailedLogging {
		infoFrom(r.Context()).body = slices.Clone(body)
	}
	if err := checkJSON(body, rules); err != nil {
		return nil, err
	}
	return body, nil
}

// readOptional is readBody where nothing at all is a body too: that of an empty object.
func (a *API) readOptional(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	if r.Body == nil || r.ContentLength == 0 || isEmpty(w, r) {
		return []byte("{}"), nil
	}
	return a.readBody(w, r, a.c.MaxBody, strict)
}

// isEmpty looks whether anything comes of a body whose length was not announced.
func isEmpty(w http.ResponseWriter, r *http.Request) bool {
	if r.ContentLength > 0 {
		return false
	}
	first := make([]byte, 1)
	n, err := io.ReadFull(r.Body, first)
	if errors.Is(err, io.EOF) {
		_ = http.NewResponseController(w).SetReadDeadline(time.Time{}) // see timed
		return true
	}
	r.Body = struct {
		io.Reader
		io.Closer
	}{io.MultiReader(bytes.NewReader(first[:n]), r.Body), r.Body}
	return false
}

// checkMedia wants application/json in UTF-8, not compressed.
func checkMedia(h http.Header) error {
	for _, coding := range h.Values("Content-Encoding") {
		if coding != "" && !strings.EqualFold(coding, "identity") {
			f := newAPIError(codeUnsupportedCoding, "Send the body without a content encoding.")
			f.headers = http.Header{"Accept-Encoding": {"identity"}} // RFC 9110, 12.5.3
			return f
		}
	}
	values := h.Values("Content-Type")
	if len(values) != 1 {
		return newAPIError(codeUnsupportedType, "Send the body with Content-Type: application/json.")
	}
	if values[0] == "application/json" {
		return nil // as nearly all say it
	}
	media, params, err := mime.ParseMediaType(values[0])
	if err != nil || media != "application/json" {
		return newAPIError(codeUnsupportedType, "Send the body with Content-Type: application/json.")
	}
	// "UTF8" is no name of a charset, and what many call it.
	if charset, ok := params["charset"]; ok && !strings.EqualFold(charset, "utf-8") && !strings.EqualFold(charset, "utf8") {
		return newAPIError(codeUnsupportedType, "JSON is UTF-8: leave the charset out.")
	}
	return nil
}

// readAll reads up to limit bytes. claim bounds the memory for them; nil does not.
func (a *API) readAll(w http.ResponseWriter, r *http.Request, limit int64, room *claim) (body []byte, err error) {
	return a.readAllWithin(w, r, limit, a.c.ReadTimeout, room)
}

// readAllWithin is readAll for a body that may take another time than ReadTimeout.
func (a *API) readAllWithin(w http.ResponseWriter, r *http.Request, limit int64, most time.Duration, room *claim) (body []byte, err error) {
	err = a.timed(w, r, limit, most, func(src io.Reader) error {
		body, err = readInto(make([]byte, 0, firstRoom(r)), src, int(limit), room)
		return err
	})
	return body, err
}

// timed lets read have the body, of limit bytes at most, for no longer than most:
// who sends a byte a minute must not hold a connection for good.
func (a *API) timed(w http.ResponseWriter, r *http.Request, limit int64, most time.Duration, read func(io.Reader) error) error {
	if r.ContentLength > limit {
		return tooLarge(limit)
	}
	control := http.NewResponseController(w)
	timed := control.SetReadDeadline(time.Now().Add(most)) == nil
	err := read(http.MaxBytesReader(w, r.Body, limit))
	if timed && err == nil {
		// The connection is watched for hang-ups while the handler runs; a deadline
		// left behind would look like one. After a failure it stays: package http
		// tries to read the rest (see setDeadlines).
		_ = control.SetReadDeadline(time.Time{})
	}
	var over *http.MaxBytesError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &over):
		return tooLarge(limit)
	case errors.Is(err, errNoRoom):
		return newAPIError(codeBusy, "Too many callbacks whose proof could not be checked yet are being read. Try again in a moment.")
	case errors.Is(err, os.ErrDeadlineExceeded):
		f := newAPIError(codeRequestTimeout, "The body did not arrive in time.")
		f.headers = http.Header{"Connection": {"close"}}
		return f
	default:
		return &apiError{code: codeIncompleteBody, detail: "The body ended before its announced length.", cause: err}
	}
}

func tooLarge(limit int64) *apiError {
	f := newAPIError(codeBodyTooLarge, "The body may have at most "+strconv.FormatInt(limit, 10)+" bytes.")
	f.headers = http.Header{"Connection": {"close"}} // the rest is not read
	return f
}

// firstRoom is how many bytes to make room for before the first of a body has come:
// what is announced, and one more to see its end, but no more than costs nothing.
// Who announces much must send it before it takes up memory.
func firstRoom(r *http.Request) int64 {
	const most = 4 << 10
	if r.ContentLength < 0 || r.ContentLength >= most {
		return most
	}
	return r.ContentLength + 1
}

// errNoRoom: nothing is left of an allowance.
var errNoRoom = errors.New("there is no room for the body")

// readInto is io.ReadAll with room of the caller's. r ends after limit bytes.
func readInto(b []byte, r io.Reader, limit int, room *claim) ([]byte, error) {
	if !room.grow(cap(b)) {
		return b, errNoRoom
	}
	for {
		n, err := r.Read(b[len(b):cap(b)])
		b = b[:len(b)+n]
		switch {
		case errors.Is(err, io.EOF):
			return b, nil
		case err != nil:
			return b, err
		case len(b) == cap(b):
			more := min(2*cap(b), limit+1) // one more to see the end
			if !room.grow(more) {
				return b, errNoRoom
			}
			b = append(make([]byte, 0, more), b...)
		}
	}
}

// skipBody reads a body that its route has no use for, and drops it. Left where it is,
// its deadline would end while the handler runs, and look like a hang-up.
func (a *API) skipBody(w http.ResponseWriter, r *http.Request) error {
	if r.Body == nil || r.ContentLength == 0 {
		return nil
	}
	return a.timed(w, r, a.c.MaxBody, a.c.ReadTimeout, func(src io.Reader) error {
		_, err := io.Copy(io.Discard, src)
		return err
	})
}
