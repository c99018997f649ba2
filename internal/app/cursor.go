package app

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"time"

	"github.com/creativeflow/aigen"
)

// Cursor is a place in a list of generations: after the one created at CreatedAt
// with ID. Both are needed, since times may be equal.
type Cursor struct {
	CreatedAt time.Time
	ID        aigen.ID
}

// ErrCursor is returned by ParseCursor for anything String has not made.
var ErrCursor = errors.New("not a cursor that this service gave out")

const (
	cursorVersion = 1
	cursorSize    = 25 // bytes
)

// String is the form for URLs. It is opaque: clients hand it back as it is.
func (c Cursor) String() string {
	b := make([]byte, 0, cursorSize)
	b = append(b, cursorVersion)
	b = binary.BigEndian.AppendUint64(b, uint64(c.CreatedAt.UnixMicro()))
	b = append(b, c.ID[:]...)
	return base64.RawURLEncoding.EncodeToString(b)
}

// ParseCursor reads what String made; else ErrCursor.
func ParseCursor(s string) (Cursor, error) {
	b, err := base64.RawURLEncoding.Strict().DecodeString(s)
	// The length of the text too: the decoder skips line breaks.
	if err != nil || len(b) != cursorSize || len(s) != base64.RawURLEncoding.EncodedLen(cursorSize) || b[0] != cursorVersion {
		return Cursor{}, ErrCursor
	}
	c := Cursor{CreatedAt: time.UnixMicro(int64(binary.BigEndian.Uint64(b[1:9]))).UTC()} //nolint:gosec // G115: likewise
	copy(c.ID[:], b[9:])
	return c, nil
}
