package client

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

// errFrameTooLong is returned for a line or an event longer than maxFrame.
var errFrameTooLong = errors.New("an event of the stream is too long")

// frame is one event as it is dispatched (WHATWG HTML, section 9.2.6).
type frame struct {
	id    string // the last that was named, which may be by an earlier frame
	named bool   // this frame names it itself
	event string
	data  []byte
}

// sseReader reads server-sent events from bytes of any origin.
type sseReader struct {
	r      *bufio.Reader
	skipLF bool          // the line before ended with CR: a LF belongs to it
	begun  bool          // the first line was read: a BOM there is no part of it
	lastID string        // the last id that was named
	retry  time.Duration // as the server asked, 0 if it did not
	line   []byte        // reused
}

func newSSEReader(r io.Reader) *sseReader { return &sseReader{r: bufio.NewReader(r)} }

// next returns the next event that has data. What is left over at the end of the
// stream is no event: the connection was cut within it.
func (s *sseReader) next() (frame, error) {
	var f frame
	hasData := false
	for {
		line, err := s.readLine()
		if err != nil {
			return frame{}, err
		}
		if len(line) == 0 {
			f.id = s.lastID
			if hasData {
				return f, nil
			}
			f = frame{}
			continue
		}
		name, value, _ := bytes.Cut(line, []byte(":"))
		value = bytes.TrimPrefix(value, []byte(" "))
		switch string(name) {
		case "event":
			f.event = string(value)
		case "data":
			if len(f.data)+len(value)+1 > maxFrame {
				return frame{}, errFrameTooLong
			}
			if hasData {
				f.data = append(f.data, '\n')
			}
			f.data = append(f.data, value...)
			hasData = true
		case "id":
			if bytes.IndexByte(value, 0) < 0 {
				s.lastID, f.named = string(value), true
			}
		case "retry":
			s.setRetry(value)
		}
		// Anything else is a comment (a heartbeat) or a field of the future.
	}
}

func (s *sseReader) setRetry(value []byte) {
	ms, err := strconv.ParseUint(string(value), 10, 31)
	if err == nil && value[0] != '+' {
		s.retry = time.Duration(ms) * time.Millisecond
	}
}

// readLine reads up to CR, LF or CRLF. It does not wait for the byte after a CR,
// which may never come. The line is valid until the next call.
func (s *sseReader) readLine() ([]byte, error) {
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
			return nil, errFrameTooLong
		}
		s.line = append(s.line, b)
	}
}
