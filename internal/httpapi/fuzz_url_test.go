package httpapi_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/app"
	"github.com/creativeflow/aigen/internal/httpapi"
)

func TestAcceptedIsWhatEncodingJSONWrites(t *testing.T) {
	t.Parallel()
	for _, status := range aigen.Statuses() {
		for _, amount := range []aigen.Credits{0, 1, 25, 100, 12_345_67} {
			a := app.Accepted{GenerationID: newID(), Status: status, CreditsReserved: amount}
			want, err := json.Marshal(httpapi.AcceptedView(a))
			require.NoError(t, err)
			require.Equal(t, string(want), string(httpapi.AcceptedJSON(a)))
		}
	}
}

// FuzzURL: the short way to check a URL takes none that the long way refuses.
func FuzzURL(f *testing.F) {
	for _, seed := range []string{
		"https://assets.example.com/0198/1.png", "https://a", "https://", "https:///x", "https://./", "https://-", "https://a//b/../c",
		"http://a", "/x", "//x", "https://a:b", "https://" + strings.Repeat("a", 4096),
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if why := httpapi.BadOddURL(s); httpapi.PlainURL(s) && why != "" {
			t.Fatalf("%q was taken, and %s", s, why)
		}
	})
}
