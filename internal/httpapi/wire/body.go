package wire

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

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/jsonscan"
	"github.com/creativeflow/aigen/internal/web"
)

// Bodies reads the bodies of requests.
type Bodies struct {
	Limit    int64         // bytes of a user's request
	Timeout  time.Duration // for one body
	Annotate bool          // bodies go to the log
}

// strict are the rules for what users send.
var strict = jsonscan.Rules{RejectLoneSurrogates: true}

// Read reads a JSON body and checks its form, in the order in which a caller
// can do something about it: encoding, type, size, and then the text itself.
func (b *Bodies) Read(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	if err := CheckMedia(r.Header); err != nil {
		return nil, err
	}
	body, err := b.ReadAll(w, r, b.Limit, nil)
	if err != nil {
		return nil, err
	}
	if b.Annotate {
		web.InfoFrom(r.Context()).Body = slices.Clone(body)
	}
	if err := CheckBody(body, strict); err != nil {
		return nil, err
	}
	return body, nil
}

// ReadOptional is Read where nothing at all is a body too: that of an empty object.
func (b *Bodies) ReadOptional(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	if r.Body == nil || r.ContentLength == 0 || isEmpty(w, r) {
		return []byte("{}"), nil
	}
	return b.Read(w, r)
}

// CheckBody checks the form of a body.
func CheckBody(body []byte, rules jsonscan.Rules) error {
	err := jsonscan.Check(body, rules)
	var f *jsonscan.Error
	if !errors.As(err, &f) {
		return err
	}
	code := CodeMalformedJSON
	switch f.Kind {
	case jsonscan.Empty:
		code = CodeEmptyBody
	case jsonscan.InvalidUTF8:
		code = CodeInvalidUTF8
	case jsonscan.TooDeep:
		code = CodeNestingTooDeep
	case jsonscan.DuplicateName:
		code = CodeDuplicateKey
	case jsonscan.Malformed:
	}
	if f.Where == "" {
		return NewError(code, f.Detail)
	}
	return NewError(code, f.Detail, aigen.FieldError{Location: "body", Message: f.Where})
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

// CheckMedia wants application/json in UTF-8, not compressed.
func CheckMedia(h http.Header) error {
	for _, coding := range h.Values("Content-Encoding") {
		if coding != "" && !strings.EqualFold(coding, "identity") {
			f := NewError(CodeUnsupportedCoding, "Send the body without a content encoding.")
			f.Headers = http.Header{"Accept-Encoding": {"identity"}} // RFC 9110, 12.5.3
			return f
		}
	}
	values := h.Values("Content-Type")
	if len(values) != 1 {
		return NewError(CodeUnsupportedType, "Send the body with Content-Type: application/json.")
	}
	if values[0] == "application/json" {
		return nil // as nearly all say it
	}
	media, params, err := mime.ParseMediaType(values[0])
	if err != nil || media != "application/json" {
		return NewError(CodeUnsupportedType, "Send the body with Content-Type: application/json.")
	}
	// "UTF8" is no name of a charset, and what many call it.
	if charset, ok := params["charset"]; ok && !strings.EqualFold(charset, "utf-8") && !strings.EqualFold(charset, "utf8") {
		return NewError(CodeUnsupportedType, "JSON is UTF-8: leave the charset out.")
	}
	return nil
}

// ReadAll reads up to limit bytes. room bounds the memory for them; nil does not.
func (b *Bodies) ReadAll(w http.ResponseWriter, r *http.Request, limit int64, room *Claim) (body []byte, err error) {
	return b.ReadAllWithin(w, r, limit, b.Timeout, room)
}

// ReadAllWithin is ReadAll for a body that may take another time than Timeout.
func (b *Bodies) ReadAllWithin(w http.ResponseWriter, r *http.Request, limit int64, most time.Duration, room *Claim) (body []byte, err error) {
	err = b.timed(w, r, limit, most, func(src io.Reader) error {
		body, err = readInto(make([]byte, 0, firstRoom(r)), src, int(limit), room)
		return err
	})
	return body, err
}

// timed lets read have the body, of limit bytes at most, for no longer than most:
// who sends a byte a minute must not hold a connection for good.
func (b *Bodies) timed(w http.ResponseWriter, r *http.Request, limit int64, most time.Duration, read func(io.Reader) error) error {
	if r.ContentLength > limit {
		return TooLarge(limit)
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
		return TooLarge(limit)
	case errors.Is(err, errNoRoom):
		return NewError(web.CodeBusy, "Too many callbacks whose proof could not be checked yet are being read. Try again in a moment.")
	case errors.Is(err, os.ErrDeadlineExceeded):
		f := NewError(CodeRequestTimeout, "The body did not arrive in time.")
		f.Headers = http.Header{"Connection": {"close"}}
		return f
	default:
		return &Error{Code: CodeIncompleteBody, Detail: "The body ended before its announced length.", Cause: err}
	}
}

// TooLarge is the answer to a body of more than limit bytes.
func TooLarge(limit int64) *Error {
	f := NewError(CodeBodyTooLarge, "The body may have at most "+strconv.FormatInt(limit, 10)+" bytes.")
	f.Headers = http.Header{"Connection": {"close"}} // the rest is not read
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
func readInto(b []byte, r io.Reader, limit int, room *Claim) ([]byte, error) {
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

// Skip reads a body that its route has no use for, and drops it. Left where it is,
// its deadline would end while the handler runs, and look like a hang-up.
func (b *Bodies) Skip(w http.ResponseWriter, r *http.Request) error {
	if r.Body == nil || r.ContentLength == 0 {
		return nil
	}
	return b.timed(w, r, b.Limit, b.Timeout, func(src io.Reader) error {
		_, err := io.Copy(io.Discard, src)
		return err
	})
}
