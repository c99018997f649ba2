package aigen_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen"
)

// locations of the faults that NewInput finds, nil if it finds none.
func locations(t *testing.T, prompt, style, parameters string) []string {
	t.Helper()
	_, err := aigen.NewInput(prompt, style, json.RawMessage(parameters))
	if err == nil {
		return nil
	}
	require.ErrorIs(t, err, aigen.ErrInvalidInput)
	var e *aigen.Error
	require.ErrorAs(t, err, &e)
	var out []string
	for _, f := range e.Fields {
		assert.NotEmpty(t, f.Message)
		assert.Contains(t, e.Message, f.Location, "the message names each field")
		out = append(out, strings.TrimPrefix(f.Location, "body."))
	}
	require.NotEmpty(t, out)
	return out
}

func TestPrompt(t *testing.T) {
	t.Parallel()
	good := []string{"x", strings.Repeat("é", aigen.MaxPromptLength), " \n" + strings.Repeat("🦊", aigen.MaxPromptLength) + "\t "}
	for _, s := range good {
		assert.Nil(t, locations(t, s, "", ""))
	}
	bad := []string{"", " ", "\n\t\u00a0\u2003", strings.Repeat("é", aigen.MaxPromptLength+1), "a\xff", "\xff", "a\x00b", "\x00"}
	for _, s := range bad {
		assert.Equal(t, []string{"inputPrompt"}, locations(t, s, "", ""), "%.20q", s)
	}
	in, err := aigen.NewInput("  a fox\n", "\tink ", nil)
	require.NoError(t, err)
	assert.Equal(t, "a fox", in.Prompt)
	assert.Equal(t, "ink", in.StyleGuidance)
}

func TestStyleGuidance(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"", "  ", strings.Repeat("é", aigen.MaxStyleLength)} {
		assert.Nil(t, locations(t, "x", s, ""))
	}
	for _, s := range []string{strings.Repeat("é", aigen.MaxStyleLength+1), "\xc3", "\x00"} {
		assert.Equal(t, []string{"styleGuidance"}, locations(t, "x", s, ""), "%.20q", s)
	}
}

func TestEveryFaultIsNamedAtOnce(t *testing.T) {
	t.Parallel()
	assert.Equal(t,
		[]string{"inputPrompt", "styleGuidance", "inputParameters.format", "inputParameters.resolution", "inputParameters.samples"},
		locations(t, "", "\xff", `{"samples":-1,"format":"Poster","resolution":"1x1"}`))
}

func TestKnownKeys(t *testing.T) {
	t.Parallel()
	bad := map[string][]string{
		"format":     {`""`, `"instagrampost"`, `"Poster"`, `"Custom "`, `1`, `null`, `true`, `[]`, `{}`, `["Custom"]`},
		"resolution": {`""`, `"63x64"`, `"64x63"`, `"4097x64"`, `"64x4097"`, `"64"`, `"64x"`, `"64X64"`, `"64×64"`, `"64x64x64"`, `"-64x64"`, `"+64x64"`, `"64.0x64"`, `" 64x64"`, `"00064x64"`, `"1e2x100"`, `64`, `null`, `[64,64]`, `{"width":64}`},
		"samples":    {`9`, `-5`, `1.5`, `"4"`, `null`, `true`, `[4]`, `{}`, `99999999999999999999`, `1e400`},
	}
	for key, values := range bad {
		for _, v := range values {
			assert.Equal(t, []string{"inputParameters." + key}, locations(t, "x", "", `{"`+key+`":`+v+`}`), v)
		}
	}
	for _, f := range aigen.Formats() {
		p, faults := aigen.ParseParameters(json.RawMessage(`{"format":"` + string(f) + `"}`))
		require.Empty(t, faults, f)
		assert.Equal(t, f, p.Format)
		assert.Equal(t, f.Resolution(), p.FinalResolution(), "where none is asked, that of the format")
		_, err := aigen.ParseResolution(f.Resolution().String())
		require.NoError(t, err, "%s is published in a size that can be asked for", f)
	}
	assert.Len(t, aigen.Formats(), 12)
	for _, size := range []string{"64x64", "64x4096", "4096x64", "4096x4096", "1080x1920"} {
		p, faults := aigen.ParseParameters(json.RawMessage(`{"format":"TikTok","resolution":"` + size + `"}`))
		require.Empty(t, faults)
		assert.Equal(t, size, p.FinalResolution().String(), "what is asked comes before the format")
	}
	for n, s := range []string{"1", "2", "3", "4", "5", "6", "7", "8"} {
		p, faults := aigen.ParseParameters(json.RawMessage(`{"samples": ` + s + ` }`))
		require.Empty(t, faults)
		assert.Equal(t, n+1, p.Samples)
	}
}

func TestNoParameters(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"", " ", "null", " null\n", "{}", " { } "} {
		p, faults := aigen.ParseParameters(json.RawMessage(s))
		require.Empty(t, faults, "%q", s)
		assert.Equal(t, aigen.DefaultSamples, p.Samples)
		assert.Equal(t, `{"samples":4}`, written(t, p), "%q", s)
		assert.Equal(t, aigen.Resolution{Width: 1024, Height: 1024}, p.FinalResolution())
	}
}

func TestNoObject(t *testing.T) {
	t.Parallel()
	deep := strings.Repeat("[", 20_000) + strings.Repeat("]", 20_000)
	for _, s := range []string{
		`[]`, `1`, `"{}"`, `true`, `{`, `}`, `{}{}`, `{} x`, `{"a":}`, `{"a":1,}`, `{a:1}`, `{"a":1}]`, `nul`, "\x00", `{'a':1}`,
		`{"a":` + deep + `}`, "{\"a\":\"\xff\"}", "{\"\xff\":1}", "\xef\xbb\xbf{}",
	} {
		assert.Equal(t, []string{"inputParameters"}, locations(t, "x", "", s), "%.20q", s)
	}
}

func written(t testing.TB, p aigen.Parameters) string {
	t.Helper()
	b, err := p.MarshalJSON()
	require.NoError(t, err)
	return string(b)
}
