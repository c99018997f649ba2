package odoo

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen"
)

func TestBalancesAreRoundedDown(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]aigen.Credits{
		"8.000000000000005": 800, `"8.000000000000005"`: 800, "8.125": 812, "8.129": 812, "7.999999999999999": 799, "0.30000000000000004": 30,
		"8": 800, "8.5": 850, `"12.50"`: 1250, "1.25e1": 1250, "1e-9": 0, "0.001": 0, "0": 0,
		"-0.005": -1, "-8.125": -813, "-8.12": -812, "-0": 0,
	} {
		got, err := parseBalance(json.RawMessage(text))
		require.NoError(t, err, text)
		require.Equal(t, want, got, text)
	}
	for _, text := range []string{`"eight"`, "null", "true", "[]", `""`, "1e99", `"1,5"`, `"NaN"`, ""} {
		_, err := parseBalance(json.RawMessage(text))
		require.ErrorIs(t, err, errAmount, text)
	}
	// What is settled by an amount is exact.
	for _, text := range []string{"8.000000000000005", "8.125"} {
		_, err := parseAmount(json.RawMessage(text))
		require.ErrorIs(t, err, errAmount, text)
	}
}
