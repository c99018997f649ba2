package webhooksig

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Tolerance is how far a timestamp may lie in the past or in the future: the
// spec's libraries' five minutes. It bounds how long a request can be replayed.
const Tolerance = 5 * time.Minute

// Bounds on what a stranger can make us work on. A v1 signature has 47
// characters, so 16 of them fit.
const (
	maxSignatures      = 16
	maxIDBytes         = 256
	maxTimestampBytes  = 12
	maxSignatureBytes  = 2048
	version            = "v1,"
	encodedSignatureLn = 44
)

// What Verify answers, for errors.Is.
var (
	// ErrMissing: one of the three headers is missing or empty.
	ErrMissing = errors.New("a webhook header is missing")
	// ErrMalformed: a header is too long, the timestamp is not a plain decimal
	// number, or no signature has the form v1,<base64 of 32 bytes>.
	ErrMalformed = errors.New("a webhook header is malformed")
	// ErrTimestamp: the timestamp is more than Tolerance away from now.
	ErrTimestamp = errors.New("the webhook timestamp is too old or in the future")
	// ErrMismatch: no signature was made with one of the secrets over this id,
	// timestamp and body. Also when there are no secrets.
	ErrMismatch = errors.New("the webhook signature does not match")
)

// Headers are the three headers of a signed webhook, as received.
type Headers struct {
	ID        string // webhook-id
	Timestamp string // webhook-timestamp, seconds since 1970
	Signature string // webhook-signature, separated by spaces
}

// Sign returns the webhook-signature for a message whose webhook-timestamp is
// ts in seconds. With the zero Secret it returns an empty text, which no
// receiver accepts.
func Sign(secret Secret, id string, ts time.Time, body []byte) string {
	if secret.IsZero() {
		return ""
	}
	sum := mac(secret, id, strconv.FormatInt(ts.Unix(), 10), body)
	return version + base64.StdEncoding.EncodeToString(sum)
}

// Verify checks that the body was signed with one of the secrets within
// Tolerance of now. All secrets are compared with all signatures (of the first
// 16 entries), whatever matches, so that the time does not tell which one did.
//
// A dot in the id is allowed. It can move the borders between id, timestamp and
// body only for bodies that start with digits and a dot, which no JSON object
// does.
func Verify(secrets []Secret, h Headers, body []byte, now time.Time) error {
	if h.ID == "" || h.Timestamp == "" || h.Signature == "" {
		return ErrMissing
	}
	if len(h.ID) > maxIDBytes || len(h.Signature) > maxSignatureBytes {
		return fmt.Errorf("%w: too long", ErrMalformed)
	}
	if err := checkTimestamp(h.Timestamp, now); err != nil {
		return err
	}
	signatures := parseSignatures(h.Signature)
	if len(signatures) == 0 {
		return fmt.Errorf("%w: no v1 signature", ErrMalformed)
	}
	match := 0
	for _, secret := range secrets {
		if secret.IsZero() {
			continue
		}
		want := mac(secret, h.ID, h.Timestamp, body)
		for _, got := range signatures {
			match |= subtle.ConstantTimeCompare(want, got)
		}
	}
	if match != 1 {
		return ErrMismatch
	}
	return nil
}

// checkTimestamp takes digits only: no sign, no leading zero, so that a moment
// has one spelling.
func checkTimestamp(text string, now time.Time) error {
	if len(text) > maxTimestampBytes || text[0] == '0' || strings.Trim(text, "0123456789") != "" {
		return fmt.Errorf("%w: the timestamp is not a number of seconds", ErrMalformed)
	}
	seconds, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return fmt.Errorf("%w: the timestamp is not a number of seconds", ErrMalformed)
	}
	if now.Sub(time.Unix(seconds, 0)).Abs() > Tolerance {
		return ErrTimestamp
	}
	return nil
}

// parseSignatures returns the v1 signatures among the first entries. Others,
// such as v1a (asymmetric) or ones yet to come, are left out, as the spec asks.
func parseSignatures(header string) [][]byte {
	var found [][]byte
	for range maxSignatures {
		entry, rest, more := strings.Cut(header, " ")
		if encoded, ok := strings.CutPrefix(entry, version); ok && len(encoded) == encodedSignatureLn {
			sum, err := base64.StdEncoding.Strict().DecodeString(encoded)
			if err == nil && len(sum) == sha256.Size {
				found = append(found, sum)
			}
		}
		if !more {
			break
		}
		header = rest
	}
	return found
}

func mac(secret Secret, id, timestamp string, body []byte) []byte {
	h := hmac.New(sha256.New, secret.content().key)
	h.Write([]byte(id + "." + timestamp + "."))
	h.Write(body)
	return h.Sum(nil)
}
