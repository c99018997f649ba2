package aigen_test

import (
	"encoding/json"
	"math/big"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen"
)

func TestWholeNumber(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int64{
		"0": 0, "4": 4, "4.0": 4, "4e0": 4, "4E+0": 4, "0.4e1": 4, "40e-1": 4, "4.000000000000000000000": 4, "-0": 0, "-0.0": 0,
		"0e999": 0, "0.0e-999": 0, "1e2": 100, "75.0": 75, "-4.0": -4, "123456789012345678": 123456789012345678, "100e-2": 1,
	} {
		n, ok := aigen.WholeNumber(text)
		assert.True(t, ok, text)
		assert.Equal(t, want, n, text)
	}
	for _, text := range []string{
		"", "-", "+4", "4.", ".4", "04", "4.5", "4e-1", "0x4", "4e", "4e+-1", "4e--1", "1e18", "1234567890123456789", "1e999", "1e1000",
		"4 ", " 4", "true", `"4"`, "null", "[4]", "4,0", "4.0000000000000000000001", "NaN", "Infinity", "٤", "1_0",
	} {
		_, ok := aigen.WholeNumber(text)
		assert.False(t, ok, text)
	}
}

// FuzzWholeNumber compares it with exact arithmetic.
func FuzzWholeNumber(f *testing.F) {
	for _, seed := range []string{"4", "4.0", "-40e-1", "4.5", "1e18", "0.0e-7", "x", "00", "1e-3"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		n, ok := aigen.WholeNumber(text)
		if !ok {
			return
		}
		require.True(t, json.Valid([]byte(text)), "%q is no JSON", text)
		exact, fine := new(big.Rat).SetString(strings.ToLower(text))
		require.True(t, fine)
		require.Zero(t, exact.Cmp(new(big.Rat).SetInt64(n)), "%q is not %d", text, n)
	})
}

func TestSamplesHaveOneSpelling(t *testing.T) {
	t.Parallel()
	for sent, kept := range map[string]string{
		`{"samples":4.0}`:             `{"samples":4}`,
		`{"a":1e2,"samples":20e-1}`:   `{"a":1e2,"samples":2}`,
		`{"samples":4e0,"b":[4.0]}`:   `{"samples":4,"b":[4.0]}`,
		`{"\u0073amples": 3.0,"c":1}`: `{"\u0073amples":3,"c":1}`,
	} {
		p, faults := aigen.ParseParameters([]byte(sent))
		require.Empty(t, faults)
		raw, err := p.MarshalJSON()
		require.NoError(t, err)
		assert.Equal(t, kept, string(raw), "an engine need not know that 4.0 is whole")
	}
	for _, bad := range []string{"4.5", "9", "8.5", "-0.5", "1e1", `"4"`, "null"} {
		_, faults := aigen.ParseParameters([]byte(`{"samples":` + bad + `}`))
		assert.Len(t, faults, 1, bad)
	}
}
