package webhooksig_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen/internal/webhooksig"
)

func TestParseSecretRefuses(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "  \n", "whsec_", "whsec_====", "whsec_not base64!", "whsec_hunter2-hunter2"} {
		s, err := webhooksig.ParseSecret(text)
		require.Error(t, err, text)
		require.True(t, s.IsZero())
		require.NotContains(t, err.Error(), "hunter2")
	}
}

func TestSecretDoesNotShowItself(t *testing.T) {
	t.Parallel()
	const text = "hunter2"
	secret := secrets(t, text)[0]
	holder := struct {
		Open   webhooksig.Secret
		hidden webhooksig.Secret // fmt cannot call methods on this one
	}{secret, secret}
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%o", "%t", "%b"} {
		fmt.Fprintf(&out, verb+" "+verb+" "+verb+" ", secret, &secret, holder)
	}
	out.WriteString(secret.String() + secret.GoString())
	slog.New(slog.NewJSONHandler(&out, nil)).Info("x", "secret", secret, "in", holder)
	slog.New(slog.NewTextHandler(&out, nil)).Info("x", "secret", secret, "in", holder)
	require.NoError(t, json.NewEncoder(&out).Encode(map[string]any{"a": secret, "b": holder}))

	for _, form := range []string{"%s", "%x", "%X", "%d", "%v"} {
		require.NotContains(t, out.String(), strings.Trim(fmt.Sprintf(form, []byte(text)), "[]"))
	}
	require.Contains(t, out.String(), "[secret]")
}

func TestEqualSecret(t *testing.T) {
	t.Parallel()
	all := secrets(t, "old", specSecret)
	require.True(t, webhooksig.EqualSecret(all, "old"))
	require.True(t, webhooksig.EqualSecret(all, specSecret))
	for _, got := range []string{"", "ol", "older", "OLD", strings.TrimPrefix(specSecret, "whsec_"), strings.Repeat("x", 1<<16)} {
		require.False(t, webhooksig.EqualSecret(all, got), got)
	}
	require.False(t, webhooksig.EqualSecret(nil, ""))
	require.False(t, webhooksig.EqualSecret([]webhooksig.Secret{{}}, ""))
}
