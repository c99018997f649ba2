package aigen_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen"
)

// TestUnknownKeysPassThrough byte for byte, but for the blanks between tokens.
func TestUnknownKeysPassThrough(t *testing.T) {
	t.Parallel()
	for sent, want := range map[string]string{
		`{"seed":12345678901234567890}`:                            `{"samples":4,"seed":12345678901234567890}`,
		`{"guidance":7.50,"tiny":1e-400,"z":-0.0}`:                 `{"samples":4,"guidance":7.50,"tiny":1e-400,"z":-0.0}`,
		`{"b":1,"a":2}`:                                            `{"samples":4,"b":1,"a":2}`,
		`{"a":"<b>&\u2028 \/ \u00e9"}`:                             `{"samples":4,"a":"<b>&\u2028 \/ \u00e9"}`,
		"{\"a\":\"\u2028 é\"}":                                     "{\"samples\":4,\"a\":\"\u2028 é\"}",
		`{"a":"\u0000\ud800"}`:                                     `{"samples":4,"a":"\u0000\ud800"}`,
		`{ "deep" : { "samples" : 99, "list" : [ null , { } ] } }`: `{"samples":4,"deep":{"samples":99,"list":[null,{}]}}`,
		`{"Samples":99,"FORMAT":1,"Resolution":null}`:              `{"samples":4,"Samples":99,"FORMAT":1,"Resolution":null}`,
		`{"":null}`: `{"samples":4,"":null}`,
		`{"samples":2,"format":"Custom","x":"  two  blanks  "}`: `{"samples":2,"format":"Custom","x":"  two  blanks  "}`,
		"{\n\t\"x\": 1,\r\n\t\"samples\": 8\n}":                 `{"x":1,"samples":8}`,
	} {
		p, faults := aigen.ParseParameters(json.RawMessage(sent))
		require.Empty(t, faults, sent)
		assert.Equal(t, want, written(t, p), sent)
	}
}

// TestSamplesByAnotherSpelling must count as given, else the user pays for the
// default and the engine reads what was sent.
func TestSamplesByAnotherSpelling(t *testing.T) {
	t.Parallel()
	p, faults := aigen.ParseParameters(json.RawMessage(`{"s\u0061mples":8}`))
	require.Empty(t, faults)
	assert.Equal(t, 8, p.Samples)
	assert.Equal(t, `{"s\u0061mples":8}`, written(t, p))
	_, faults = aigen.ParseParameters(json.RawMessage(`{"s\u0061mples":9}`))
	assert.Len(t, faults, 1)
}

// TestKnownKeyTwice: the last one counts, as it does for JSON.parse in the workflow.
func TestKnownKeyTwice(t *testing.T) {
	t.Parallel()
	for sent, want := range map[string]int{`{"samples":8,"samples":1}`: 1, `{"samples":1,"s\u0061mples":8}`: 8} {
		p, faults := aigen.ParseParameters(json.RawMessage(sent))
		require.Empty(t, faults, sent)
		assert.Equal(t, want, p.Samples, sent)
	}
	_, faults := aigen.ParseParameters(json.RawMessage(`{"samples":4,"samples":-5}`))
	assert.Len(t, faults, 1)
}

// TestSizeOfParameters: the limit is on what was sent, compacted; what it grows to
// afterwards must still be readable.
func TestSizeOfParameters(t *testing.T) {
	t.Parallel()
	object := func(size int, fill string) string {
		return `{"x":"` + strings.Repeat(fill, size-len(`{"x":""}`)) + `"}`
	}
	for _, fill := range []string{"a", "<"} {
		full := object(aigen.MaxParametersSize, fill)
		require.Len(t, full, aigen.MaxParametersSize)
		for _, sent := range []string{full, "  " + strings.Replace(full, ":", "  :\n", 1) + "  "} {
			in, err := aigen.NewInput("x", "", json.RawMessage(sent))
			require.NoError(t, err)
			stored, err := json.Marshal(in)
			require.NoError(t, err)
			var back aigen.Input
			require.NoError(t, json.Unmarshal(stored, &back), "a generation that cannot be loaded again")
			assert.JSONEq(t, written(t, in.Parameters), written(t, back.Parameters))
			again, err := json.Marshal(back)
			require.NoError(t, err)
			assert.Equal(t, string(stored), string(again), "it does not change any more")
		}
		assert.Equal(t, []string{"inputParameters"}, locations(t, "x", "", object(aigen.MaxParametersSize+1, fill)))
	}
}

func TestStoredParametersAreChecked(t *testing.T) {
	t.Parallel()
	var p aigen.Parameters
	require.ErrorIs(t, p.UnmarshalJSON([]byte(`{"samples":-5}`)), aigen.ErrInvalidInput)
	assert.Equal(t, `{}`, written(t, p), "untouched")
}

// Stores hand in bytes that are their driver's, and change afterwards.
func TestParametersKeepACopy(t *testing.T) {
	t.Parallel()
	for _, sent := range []string{`{"format":"TikTok","samples":2,"seed":1}`, `{"seed":1}`} {
		raw := []byte(sent)
		var p aigen.Parameters
		require.NoError(t, p.UnmarshalJSON(raw))
		before := written(t, p)
		clear(raw)
		assert.Equal(t, before, written(t, p))
		assert.Contains(t, []aigen.Format{"TikTok", ""}, p.Format)
	}
}
