package sse

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"strconv"
	"time"
)

// maxFrame bounds one line and one event of a stream, in bytes. The largest event
// has 8 samples with 4 KiB of URL and 16 KiB of metadata each.
const maxFrame = 1 << 20

// ErrTooLong is returned for a line or an event longer than maxFrame.
var ErrTooLong = errors.New("an event of the stream is too long")

// Frame is one event as it is dispatched (WHATWG HTML, section 9.2.6).
type Frame struct {
	ID    string // the last that was named, which may be by an earlier frame
	Named bool   // this frame names it itself
	Event string
	Data  []byte
}

// Reader reads server-sent events from bytes of any origin.
type Reader struct {
	Retry time.Duration // as the server asked, 0 if it did not

	r      *bufio.Reader
	skipLF bool   // the line before ended with CR: a LF belongs to it
	begun  bool   // the first line was read: a BOM there is no part of it
	lastID string // the last id that was named
	line   []byte // reused
}

// NewReader returns a Reader of the body of an answer.
func NewReader(r io.Reader) *Reader { return &Reader{r: bufio.NewReader(r)} }

// Next returns the next event that has data. What is left over at the end of the
// stream is no event: the connection was cut within it.
func (s *Reader) Next() (Frame, error) {
	var f Frame
	hasData := false
	for {
		line, err := s.readLine()
		if err != nil {
			return Frame{}, err
		}
		if len(line) == 0 {
			f.ID = s.lastID
			if hasData {
				return f, nil
			}
			f = Frame{}
			continue
		}
		name, value, _ := bytes.Cut(line, []byte(":"))
		value = bytes.TrimPrefix(value, []byte(" "))
		switch string(name) {
		case "event":
			f.Event = string(value)
		case "data":
			if len(f.Data)+len(value)+1 > maxFrame {
				return Frame{}, ErrTooLong
			}
			if hasData {
				f.Data = append(f.Data, '\n')
			}
			f.Data = append(f.Data, value...)
			hasData = true
		case "id":
			if bytes.IndexByte(value, 0) < 0 {
				s.lastID, f.Named = string(value), true
			}
		case "retry":
			s.setRetry(value)
		}
		// Anything else is a comment (a heartbeat) or a field of the future.
	}
}

func (s *Reader) setRetry(value []byte) {
	ms, err := strconv.ParseUint(string(value), 10, 31)
	if err == nil && value[0] != '+' {
		s.Retry = time.Duration(ms) * time.Millisecond
	}
}

// readLine reads up to CR, LF or CRLF. It does not wait for the byte after a CR,
// which may never come. The line is valid until the next call.
func (s *Reader) readLine() ([]byte, error) {
	s.line = s.line[:0]
	for {
		b, err := s.r.ReadByte()
		if err != nil {
			return nil, err
		}
		if s.skipLF {
			s.skipLF = false
			if b == '\n' {
				continue
			}
		}
		if b == '\n' || b == '\r' {
			s.skipLF = b == '\r'
			line := s.line
			if !s.begun {
				s.begun = true
				line = bytes.TrimPrefix(line, []byte("\xef\xbb\xbf"))
			}
			return line, nil
		}
		if len(s.line) >= maxFrame {
			return nil, ErrTooLong
		}
		s.line = append(s.line, b)
	}
}
