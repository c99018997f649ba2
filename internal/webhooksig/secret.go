// Package webhooksig signs and checks webhooks as Standard Webhooks has it
// (https://github.com/standard-webhooks/standard-webhooks, spec 1.0): an
// HMAC-SHA256 over "id.timestamp.body". Its own Go module is not used: it
// accepts empty secrets.
package webhooksig

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
)

// prefix marks a secret whose bytes are written in base64.
const prefix = "whsec_"

// masked is all that a Secret ever shows of itself.
const masked = "[secret]"

// Secret is a key to sign with. It does not show itself in fmt, slog or JSON.
// Its content is behind a func, because fmt cannot call the methods below on
// an unexported field of another type, and prints what a pointer there points
// to when the verb does not fit (%s). The zero Secret is none: it signs nothing
// and matches nothing.
type Secret struct{ content func() *content }

type content struct {
	key []byte            // for HMAC
	sum [sha256.Size]byte // of the text as configured, for EqualSecret
}

// ParseSecret reads a secret as it is configured: whsec_ and base64 (with or
// without padding), otherwise the text itself is the key. It refuses an empty
// one, and whsec_ with anything but base64 after it. The error does not hold
// the text.
func ParseSecret(s string) (Secret, error) {
	if strings.TrimSpace(s) == "" {
		return Secret{}, errors.New("the webhook secret is empty")
	}
	key := []byte(s)
	if encoded, ok := strings.CutPrefix(s, prefix); ok {
		var err error
		key, err = base64.RawStdEncoding.DecodeString(strings.TrimRight(encoded, "="))
		if err != nil {
			return Secret{}, fmt.Errorf("the webhook secret starts with %s, but what follows is not base64: %w", prefix, err)
		}
		if len(key) == 0 {
			return Secret{}, fmt.Errorf("the webhook secret is empty after %s", prefix)
		}
	}
	c := &content{key: key, sum: sha256.Sum256([]byte(s))}
	return Secret{func() *content { return c }}, nil
}

// IsZero tells whether there is no secret.
func (s Secret) IsZero() bool { return s.content == nil }

// String implements fmt.Stringer and shows nothing.
func (Secret) String() string { return masked }

// GoString implements fmt.GoStringer and shows nothing.
func (Secret) GoString() string { return masked }

// Format implements fmt.Formatter, for the verbs that String does not cover.
func (Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, masked) }

// LogValue implements slog.LogValuer and shows nothing.
func (Secret) LogValue() slog.Value { return slog.StringValue(masked) }

// MarshalText implements encoding.TextMarshaler and shows nothing.
func (Secret) MarshalText() ([]byte, error) { return []byte(masked), nil }

// EqualSecret tells whether got, say from the header X-N8N-Webhook-Secret, is
// the text of one of the secrets. Both sides are hashed first and all secrets
// are looked at, so the time tells neither the length, nor how much is right,
// nor which secret it was.
func EqualSecret(secrets []Secret, got string) bool {
	sum := sha256.Sum256([]byte(got))
	equal := 0
	for _, s := range secrets {
		if !s.IsZero() {
			equal |= subtle.ConstantTimeCompare(s.content().sum[:], sum[:])
		}
	}
	return equal == 1
}
