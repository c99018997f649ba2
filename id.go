package aigen

import (
	"encoding/hex"
	"errors"
)

// ID is a UUID. The service makes version 7 (RFC 9562), so that rows which are
// written together lie together in an index; any version is accepted from outside.
//
// The domain only carries and prints IDs. Making them is the business of
// Policy.NewID, so that the root package needs nothing but the standard library.
type ID [16]byte

// ErrID is returned by ParseID for anything that is not a UUID in its canonical
// 36-character form.
var ErrID = errors.New(`not a UUID of the form "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx"`)

// ParseID reads the canonical form of a UUID, in either case. Braces, "urn:uuid:"
// and missing hyphens are refused: an id that has two spellings makes two cache
// keys, two log lines and two idempotency keys.
func ParseID(s string) (ID, error) {
	var id ID
	if len(s) != 36 || s[8] != '-' || s[13] != '-' || s[18] != '-' || s[23] != '-' {
		return ID{}, ErrID
	}
	var digits [32]byte
	n := copy(digits[:], s[0:8])
	n += copy(digits[n:], s[9:13])
	n += copy(digits[n:], s[14:18])
	n += copy(digits[n:], s[19:23])
	copy(digits[n:], s[24:36])
	if _, err := hex.Decode(id[:], digits[:]); err != nil {
		return ID{}, ErrID
	}
	return id, nil
}

// String is the canonical lower-case form.
func (id ID) String() string {
	var b [36]byte
	id.encode(&b)
	return string(b[:])
}

// AppendTo appends the canonical form.
func (id ID) AppendTo(b []byte) []byte {
	var text [36]byte
	id.encode(&text)
	return append(b, text[:]...)
}

// IsZero reports whether id is the nil UUID, which stands for "none".
func (id ID) IsZero() bool { return id == ID{} }

// MarshalText writes the canonical form.
func (id ID) MarshalText() ([]byte, error) {
	var b [36]byte
	id.encode(&b)
	return b[:], nil
}

// UnmarshalText reads the canonical form; the error is ErrID.
func (id *ID) UnmarshalText(text []byte) error {
	parsed, err := ParseID(string(text))
	if err != nil {
		return err
	}
	*id = parsed
	return nil
}

func (id ID) encode(b *[36]byte) {
	hex.Encode(b[0:8], id[0:4])
	b[8] = '-'
	hex.Encode(b[9:13], id[4:6])
	b[13] = '-'
	hex.Encode(b[14:18], id[6:8])
	b[18] = '-'
	hex.Encode(b[19:23], id[8:10])
	b[23] = '-'
	hex.Encode(b[24:36], id[10:16])
}
