package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/client"
)

// hostile is what sets a window's title, clears the screen, and turns text around: in
// the old spelling, in that of C1, in single bytes, and in UTF-8.
const hostile = "\x1b]0;PWNED\x07\x1b[2J\x9b31m\u009b31m\u202e\x7f\r"

func assertClean(t *testing.T, text string) {
	t.Helper()
	for _, r := range text {
		assert.False(t, r != '\n' && r != '\t' && isControl(r), "%q", text)
	}
	assert.NotContains(t, text, "\x9b", "a byte that is no UTF-8")
}

func TestAllTextOfACommandIsCleaned(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	w := &cleanWriter{to: &out}
	text := "one " + hostile + "line\n\tanother: 狐 é\n"
	for i := range len(text) { // byte by byte: a character may come in parts
		n, err := w.Write([]byte{text[i]})
		require.NoError(t, err)
		require.Equal(t, 1, n)
	}
	assertClean(t, out.String())
	assert.Equal(t, "one ]0;PWNED[2J\ufffd31m31mline\n\tanother: 狐 é\n", out.String())

	var stdout, stderr bytes.Buffer
	code := run(t.Context(), []string{"generate", "a fox", "--server", "http://x/" + hostile, "--no-such" + hostile}, &stdout, &stderr)
	assert.Equal(t, exitUsage, code)
	assertClean(t, stdout.String()+stderr.String())
	assert.Contains(t, stderr.String(), "PWNED")
}

func TestJSONOfACommandIsCleaned(t *testing.T) {
	t.Parallel()
	in := map[string]string{"a" + strings.ToValidUTF8(hostile, "?"): "<b>&\U000e0001\u2028"}
	for _, indent := range []string{"", "  "} {
		var out bytes.Buffer
		require.NoError(t, writeJSON(&out, in, indent))
		assertClean(t, out.String())
		var back map[string]string
		require.NoError(t, json.Unmarshal(out.Bytes(), &back))
		assert.Equal(t, in, back, "it means the same")
	}
	var out bytes.Buffer
	require.NoError(t, writeJSON(&out, json.RawMessage("{\"type\":\n\"x\u009b\x9b\"}"), ""))
	assertClean(t, out.String())
	assert.Equal(t, 1, strings.Count(out.String(), "\n"))
}

// What is drawn goes past the cleaning, and has to clean what it draws.
func TestViewsCleanWhatComesFromElsewhere(t *testing.T) {
	t.Parallel()
	e := client.Event{Type: aigen.EventType("x" + hostile), Data: aigen.EventData{
		Status: aigen.Status("s" + hostile), Error: &aigen.Failure{Code: aigen.Code("c" + hostile), Message: "m" + hostile},
	}}
	for _, kind := range []aigen.EventType{e.Type, aigen.EventFailed, aigen.EventSamplesRetrying} {
		e.Type = kind
		var out bytes.Buffer
		lines := &watchLines{out: &out, err: &out}
		require.NoError(t, lines.event(e))
		lines.link(client.Link{Down: errors.New("e" + hostile)})
		plain := &plainView{questions: questions{err: &cleanWriter{to: &out}}}
		plain.event(e)
		plain.note("n" + hostile)
		plain.offer(nil, []string{"u" + hostile})
		assertClean(t, out.String())
	}
	// The live view draws with sequences of its own; with those taken out, none is left.
	var out bytes.Buffer
	term := terminal{err: &cleanWriter{to: &out}, getenv: func(string) string { return "" }, width: func() int { return 80 }}
	v := newLiveView(&generateOptions{}, term)
	v.note("n" + hostile)
	e.Type = aigen.EventSamplesRetrying
	v.event(e)
	e.Type = aigen.EventFailed
	v.event(e)
	v.close()
	assertClean(t, strings.ReplaceAll(out.String(), "\r\x1b[2K", ""))
}

func TestHelpFitsATerminal(t *testing.T) {
	t.Parallel()
	root := newRootCommand()
	all := [][]string{{}}
	for _, c := range root.Commands() {
		all = append(all, []string{c.Name()})
		for _, sub := range c.Commands() {
			all = append(all, []string{c.Name(), sub.Name()})
		}
	}
	require.Greater(t, len(all), 15)
	for _, args := range all {
		var out bytes.Buffer
		require.Equal(t, exitOK, run(t.Context(), append(args, "--help"), &out, &out))
		for line := range strings.Lines(out.String()) {
			assert.LessOrEqual(t, columns(strings.TrimSuffix(line, "\n")), helpWidth, "%v: %s", args, line)
		}
	}
	var out bytes.Buffer
	run(t.Context(), []string{"watch", "--help"}, &out, &out)
	assert.Less(t, strings.Index(out.String(), "AIGEN_TOKEN"), strings.Index(out.String(), "command line"), out.String())
	assert.Equal(t, []string{"> a long", "> sentence", "> anunbreakableword", "> end"}, wrap("a long sentence anunbreakableword end", "> ", 12))
}

// A filter that nothing can match looks like health.
func TestDeliveriesListRefusesWhatItCannotList(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"--lane", "nonsense"}, {"--lane", "Jobs"}, {"--limit", "-1"}, {"--limit", "0"}, {"--limit", "10001"}, {"--generation", "x"}} {
		var out bytes.Buffer
		assert.Equal(t, exitUsage, run(t.Context(), append([]string{"deliveries", "list"}, args...), &out, &out), args)
		assert.Contains(t, out.String(), args[0])
	}
}

func TestCountsAreWords(t *testing.T) {
	t.Parallel()
	assert.Equal(t, "0 samples, 1 sample, 2 samples", fmt.Sprint(count(0, "sample"), ", ", count(1, "sample"), ", ", count(2, "sample")))
}
