package webhooksig_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/creativeflow/aigen/internal/webhooksig"
)

// FuzzParseSecret: a secret that is taken signs what it verifies, equals itself alone,
// and is shown nowhere; one that is refused is not quoted.
func FuzzParseSecret(f *testing.F) {
	for _, seed := range []string{"", " ", "a secret", "whsec_", "whsec_AAAA", "whsec_AA=A", "whsec_====", "whsec_\n", "\x00", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"} {
		f.Add(seed, "another")
	}
	f.Fuzz(func(t *testing.T, text, other string) {
		s, err := webhooksig.ParseSecret(text)
		if err != nil {
			if len(text) > 12 && strings.Contains(err.Error(), text) {
				t.Fatalf("quoted: %v", err)
			}
			return
		}
		if len(text) > 12 && strings.Contains(fmt.Sprintf("%v %+v %#v %s %x", s, s, s, s, s), text) {
			t.Fatal("it shows itself")
		}
		secrets := []webhooksig.Secret{s}
		if !webhooksig.EqualSecret(secrets, text) || (other != text && webhooksig.EqualSecret(secrets, other)) {
			t.Fatal("it equals another")
		}
		at := time.Unix(1_700_000_000, 0)
		h := webhooksig.Headers{ID: "m", Timestamp: "1700000000", Signature: webhooksig.Sign(s, "m", at, []byte(other))}
		if err := webhooksig.Verify(secrets, h, []byte(other), at); err != nil {
			t.Fatal(err)
		}
	})
}
