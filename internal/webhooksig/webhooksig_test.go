package webhooksig_test

import (
	"encoding/base64"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen/internal/webhooksig"
)

// The example of the Standard Webhooks spec and of its libraries' tests.
const (
	specSecret    = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	specID        = "msg_p5jXN8AQM9LWM0D4loKWxJek"
	specTimestamp = 1614265330
	specBody      = `{"test": 2432232314}`
	specSignature = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
)

var (
	specTime    = time.Unix(specTimestamp, 0)
	specHeaders = webhooksig.Headers{ID: specID, Timestamp: strconv.Itoa(specTimestamp), Signature: specSignature}
)

func secrets(t testing.TB, texts ...string) []webhooksig.Secret {
	t.Helper()
	var all []webhooksig.Secret
	for _, text := range texts {
		s, err := webhooksig.ParseSecret(text)
		require.NoError(t, err)
		all = append(all, s)
	}
	return all
}

func TestTheSpecsExample(t *testing.T) {
	t.Parallel()
	for _, text := range []string{specSecret, specSecret + "=", rawText(t, specSecret)} {
		all := secrets(t, text)
		require.Equal(t, specSignature, webhooksig.Sign(all[0], specID, specTime, []byte(specBody)))
		require.NoError(t, webhooksig.Verify(all, specHeaders, []byte(specBody), specTime))
	}
}

// rawText is the secret whose text has the bytes that whsec_ encodes.
func rawText(t *testing.T, secret string) string {
	t.Helper()
	key, err := base64.RawStdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
	require.NoError(t, err)
	return string(key)
}

func TestVerifyRefuses(t *testing.T) {
	t.Parallel()
	all := secrets(t, specSecret)
	other := webhooksig.Sign(secrets(t, "another")[0], specID, specTime, []byte(specBody))
	for _, tc := range []struct {
		name   string
		change func(*webhooksig.Headers)
		body   string
		after  time.Duration
		want   error
	}{
		{"nothing", func(*webhooksig.Headers) {}, specBody, 0, nil},
		{"no id", func(h *webhooksig.Headers) { h.ID = "" }, specBody, 0, webhooksig.ErrMissing},
		{"no timestamp", func(h *webhooksig.Headers) { h.Timestamp = "" }, specBody, 0, webhooksig.ErrMissing},
		{"no signature", func(h *webhooksig.Headers) { h.Signature = "" }, specBody, 0, webhooksig.ErrMissing},
		{"five minutes old", func(*webhooksig.Headers) {}, specBody, 5 * time.Minute, nil},
		{"five minutes ahead", func(*webhooksig.Headers) {}, specBody, -5 * time.Minute, nil},
		{"too old", func(*webhooksig.Headers) {}, specBody, 5*time.Minute + time.Second, webhooksig.ErrTimestamp},
		{"too far ahead", func(*webhooksig.Headers) {}, specBody, -5*time.Minute - time.Second, webhooksig.ErrTimestamp},
		{"ages ahead", func(h *webhooksig.Headers) { h.Timestamp = "999999999999" }, specBody, 0, webhooksig.ErrTimestamp},
		{"another time", func(h *webhooksig.Headers) { h.Timestamp = "1614265331" }, specBody, 0, webhooksig.ErrMismatch},
		{"milliseconds", func(h *webhooksig.Headers) { h.Timestamp += "000" }, specBody, 0, webhooksig.ErrMalformed},
		{"time with sign", func(h *webhooksig.Headers) { h.Timestamp = "+1614265330" }, specBody, 0, webhooksig.ErrMalformed},
		{"negative time", func(h *webhooksig.Headers) { h.Timestamp = "-1614265330" }, specBody, 0, webhooksig.ErrMalformed},
		{"time with zero", func(h *webhooksig.Headers) { h.Timestamp = "01614265330" }, specBody, 0, webhooksig.ErrMalformed},
		{"time is a date", func(h *webhooksig.Headers) { h.Timestamp = "2021-02-25" }, specBody, 0, webhooksig.ErrMalformed},
		{"another id", func(h *webhooksig.Headers) { h.ID += "x" }, specBody, 0, webhooksig.ErrMismatch},
		{"long id", func(h *webhooksig.Headers) { h.ID = strings.Repeat("x", 257) }, specBody, 0, webhooksig.ErrMalformed},
		{"another body", func(*webhooksig.Headers) {}, `{"test":2432232314}`, 0, webhooksig.ErrMismatch},
		{"empty body", func(*webhooksig.Headers) {}, "", 0, webhooksig.ErrMismatch},
		{"another secret", func(h *webhooksig.Headers) { h.Signature = other }, specBody, 0, webhooksig.ErrMismatch},
		{"right among wrong", func(h *webhooksig.Headers) { h.Signature = other + " v1a,xyz v1, " + specSignature }, specBody, 0, nil},
		{"right behind 15", func(h *webhooksig.Headers) { h.Signature = strings.Repeat(other+" ", 15) + specSignature }, specBody, 0, nil},
		{"right behind 16", func(h *webhooksig.Headers) { h.Signature = strings.Repeat(other+" ", 16) + specSignature }, specBody, 0, webhooksig.ErrMismatch},
		{"long signature", func(h *webhooksig.Headers) { h.Signature += strings.Repeat(" ", 2048) }, specBody, 0, webhooksig.ErrMalformed},
		{"no version", func(h *webhooksig.Headers) { h.Signature = specSignature[3:] }, specBody, 0, webhooksig.ErrMalformed},
		{"another version", func(h *webhooksig.Headers) { h.Signature = "v2" + specSignature[2:] }, specBody, 0, webhooksig.ErrMalformed},
		{"separated by comma", func(h *webhooksig.Headers) { h.Signature = other + "," + specSignature }, specBody, 0, webhooksig.ErrMalformed},
		{"truncated", func(h *webhooksig.Headers) { h.Signature = "v1,g0hM" }, specBody, 0, webhooksig.ErrMalformed},
		{"empty v1", func(h *webhooksig.Headers) { h.Signature = "v1," }, specBody, 0, webhooksig.ErrMalformed},
		{"no base64", func(h *webhooksig.Headers) { h.Signature = "v1," + strings.Repeat("*", 44) }, specBody, 0, webhooksig.ErrMalformed},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			h := specHeaders
			tc.change(&h)
			require.ErrorIs(t, webhooksig.Verify(all, h, []byte(tc.body), specTime.Add(tc.after)), tc.want)
		})
	}
}

func TestVerifyWithSeveralSecretsAndNone(t *testing.T) {
	t.Parallel()
	verify := func(all []webhooksig.Secret) error {
		return webhooksig.Verify(all, specHeaders, []byte(specBody), specTime)
	}
	require.NoError(t, verify(secrets(t, "new", specSecret)))
	require.NoError(t, verify(secrets(t, specSecret, "new")))
	require.ErrorIs(t, verify(secrets(t, "new", "newer")), webhooksig.ErrMismatch)
	require.ErrorIs(t, verify(nil), webhooksig.ErrMismatch)

	// The zero Secret must not stand for an empty key.
	var zero webhooksig.Secret
	require.True(t, zero.IsZero())
	require.Empty(t, webhooksig.Sign(zero, specID, specTime, nil))
	require.ErrorIs(t, verify([]webhooksig.Secret{zero}), webhooksig.ErrMismatch)
}

// FuzzVerify holds a verdict against Sign: what is accepted must hold the one
// signature that the secret gives for exactly this id, time and body.
func FuzzVerify(f *testing.F) {
	all := secrets(f, specSecret, "raw")
	f.Add(specID, specHeaders.Timestamp, specSignature, []byte(specBody))
	f.Add("a.1", "1614265330", "v1a,x v1,"+strings.Repeat("A", 44), []byte("{}"))
	f.Add("", "-0", " , v1, ", []byte(nil))
	f.Fuzz(func(t *testing.T, id, timestamp, signature string, body []byte) {
		h := webhooksig.Headers{ID: id, Timestamp: timestamp, Signature: signature}
		if webhooksig.Verify(all, h, body, specTime) != nil {
			return
		}
		seconds, err := strconv.ParseInt(timestamp, 10, 64)
		require.NoError(t, err)
		at := time.Unix(seconds, 0)
		require.LessOrEqual(t, specTime.Sub(at).Abs(), webhooksig.Tolerance)
		require.True(t, strings.Contains(signature, webhooksig.Sign(all[0], id, at, body)) ||
			strings.Contains(signature, webhooksig.Sign(all[1], id, at, body)), "accepted a forged %q", signature)
	})
}
