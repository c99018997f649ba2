package e2e

import (
	"bufio"
	"encoding/json"
	"image/png"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen/internal/testprogram"
)

// aTerminal says of itself what a modern one does.
func aTerminal(change ...string) map[string]string {
	settings := map[string]string{"TERM": "xterm-256color", "COLORTERM": "truecolor", "LANG": "C.UTF-8"}
	for i := 0; i < len(change); i += 2 {
		settings[change[i]] = change[i+1]
	}
	return settings
}

// painting is a service whose pictures can be looked at.
func painting(t *testing.T, dir string) *testprogram.Program {
	t.Helper()
	return testprogram.Start(t, dir, map[string]string{"WORKER_RENDER": "true"})
}

const blocks = "▀▀▀▀▀▀▀▀▀▀▀▀"

var colour = regexp.MustCompile(`\x1b\[[0-9;]*[0-9]m`)

// called calls back for a job; it must be taken.
func called(t *testing.T, j *testprogram.Job, body map[string]any) {
	t.Helper()
	status, answer, err := j.Report(body)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, status, answer)
}

func TestGenerateOnATerminalDrawsAsksAndSaves(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p, u := painting(t, dir), testprogram.NewUser(t)
	out := filepath.Join(dir, "fox.png")
	term := testprogram.OnTerminal(t, dir, 80, 50, aTerminal(),
		"generate", "a red fox", "--samples", "3", "--server", p.URL, "--token", u.Token, "--out", out)
	term.Shows("✓ samples", "3 to choose from", blocks, "Which one? [1-3, r for new samples (0.75 credits), q to stop]")
	assert.Regexp(t, `(?m)^ +1 +2 +3$`, term.Screen(), "a number under each picture")
	assert.Regexp(t, `\x1b\[38;2;\d+;\d+;\d+;48;2;\d+;\d+;\d+m▀`, term.Output())
	for _, line := range strings.Split(term.Screen(), "\n") {
		assert.Less(t, len([]rune(line)), 80, "%q would be broken", line)
	}

	term.Type("7\n")
	term.Shows("Type a number from 1 to 3, r or q.")
	term.Type("r\n")
	term.Shows("New samples take the place of these, and cost 0.75 credits. Make them? [y/N]")
	term.Type("\n")
	term.Type("2\n")
	term.Shows("✓ final", "saved "+out)
	require.Equal(t, 0, term.ExitCode())
	f, err := os.Open(out)
	require.NoError(t, err)
	defer f.Close()
	_, err = png.Decode(f)
	require.NoError(t, err)
}

func TestGenerateKeepsToWhatTheTerminalCan(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p, u := painting(t, dir), testprogram.NewUser(t)
	for _, tc := range []struct {
		name              string
		settings          map[string]string
		width             int
		pictures, colours bool
		shows             string
	}{
		{"256 colours", aTerminal("COLORTERM", ""), 80, true, true, "✓ samples"},
		{"narrow", aTerminal(), 30, true, true, "✓ samples"},
		{"too narrow for pictures", aTerminal(), 12, false, true, "✓ sampl"},
		{"16 colours", aTerminal("COLORTERM", "", "TERM", "xterm"), 80, false, true, "✓ samples"},
		{"NO_COLOR", aTerminal("NO_COLOR", "1"), 80, false, false, "✓ samples"},
		{"no Unicode", aTerminal("LANG", "C"), 80, false, true, "+ samples"},
		{"dumb", aTerminal("TERM", "dumb"), 80, false, false, "samples: 2 to choose from"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			term := testprogram.OnTerminal(t, t.TempDir(), tc.width, 100, tc.settings,
				"generate", "a red fox", "--samples", "2", "--server", p.URL, "--token", u.Token)
			term.Shows(tc.shows)
			testprogram.Eventually(t, "it asks", func() bool { return strings.Contains(term.Output(), "q to stop") })
			assert.Equal(t, tc.pictures, strings.Contains(term.Screen(), blocks), "pictures")
			assert.Equal(t, tc.colours, colour.MatchString(term.Output()), "colours")
			term.Type("q\n")
			require.Equal(t, 4, term.ExitCode(), "stopped by the person")
		})
	}
}

func TestWatchOnATerminal(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	engine := testprogram.WebhookEngine(t)
	settings := map[string]string{"N8N_WEBHOOK_URL": engine.URL}
	p, u := testprogram.Start(t, dir, settings), testprogram.NewUser(t)
	old, err := u.Create(p.URL, "", "an old one")
	require.NoError(t, err)
	oldJob := engine.Next(t)

	term := testprogram.OnTerminal(t, dir, 80, 12, aTerminal(), "watch", "--server", p.URL, "--token", u.Token)
	term.Shows("aigen watch  "+p.URL, "1 running", old.GenerationID[28:]+" samples", "an old one")
	assert.Contains(t, term.Output(), "\x1b[?1049h", "a screen of its own")

	_, err = u.Create(p.URL, "", "a new one\x1b[31m with\ttricks "+strings.Repeat("and more ", 30))
	require.NoError(t, err)
	job := engine.Next(t)
	term.Shows("2 running", "a new one[31m with tricks", "…")
	called(t, &job, map[string]any{"stage": "progress", "status": "success", "results": map[string]any{"progress": 40}})
	term.Shows("━━━━╌╌╌╌╌╌  40%")
	called(t, &job, job.Success())
	term.Shows("? "+job.GenerationID[28:]+" to choose", "1 running")
	called(t, &oldJob, map[string]any{"stage": "samples_generated", "status": "failure", "error": map[string]any{"code": "x", "message": "The paint ran out."}})
	term.Shows("✗ "+old.GenerationID[28:]+" failed", "The paint ran out.  an old one")

	term.Resize(30, 6)
	testprogram.Eventually(t, "the table fits the window", func() bool {
		lines := strings.Split(term.Screen(), "\n")
		return len(lines) == 4 && lines[2] == "? to choose   a new one[31m …"
	})
	term.Resize(80, 12)
	term.Type("\x03")
	require.Equal(t, 0, term.ExitCode(), "ending it is how it ends")
	assert.Contains(t, term.Output(), "\x1b[?25h\x1b[?1049l")
	assert.Contains(t, term.Screen(), "The paint ran out.", "the last state stays on the first screen")
	assert.NotContains(t, term.Output(), "\x1b[31m with", "a prompt changes no colours")
}

func TestWatchOutlivesTheService(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	settings := map[string]string{"LISTEN_ADDR": freeAddress(t)}
	p, u := testprogram.Start(t, dir, settings), testprogram.NewUser(t)
	term := testprogram.OnTerminal(t, dir, 100, 12, aTerminal("NO_COLOR", "1"), "watch", "--server", p.URL, "--token", u.Token)
	term.Shows("no generations yet")
	p.Kill()
	term.Shows("no connection, trying again")
	p = testprogram.Start(t, dir, settings)
	created, err := u.Create(p.URL, "", "made after the outage")
	require.NoError(t, err)
	term.Shows(created.GenerationID[28:], "made after the outage", "to choose")
	assert.NotContains(t, term.Screen(), "no connection")
	assert.False(t, colour.MatchString(term.Output()), "NO_COLOR")
	term.Type("\x03")
	require.Equal(t, 0, term.ExitCode())
}

// watchPiped runs `aigen watch` without a terminal; lines come out of it as they come.
func watchPiped(t *testing.T, dir string, args ...string) (lines <-chan string, stop func() int) {
	t.Helper()
	path, err := testprogram.Binary()
	require.NoError(t, err)
	cmd := exec.CommandContext(t.Context(), path, append([]string{"watch"}, args...)...)
	cmd.Env = testprogram.Environment(dir, aTerminal())
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	came := make(chan string, 100)
	go func() {
		defer close(came)
		for s := bufio.NewScanner(out); s.Scan(); {
			came <- s.Text()
		}
	}()
	return came, func() int {
		require.NoError(t, cmd.Process.Signal(os.Interrupt))
		for range came { // all of it is read before Wait
		}
		_ = cmd.Wait() // its code is what counts
		return cmd.ProcessState.ExitCode()
	}
}

func TestWatchInAPipe(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p, u := testprogram.Start(t, dir, nil), testprogram.NewUser(t)
	plain, stopPlain := watchPiped(t, dir, "--server", p.URL, "--token", u.Token)
	raw, stopRaw := watchPiped(t, dir, "--json", "--server", p.URL, "--token", u.Token)
	testprogram.Eventually(t, "both are connected", func() bool { return metric(t, p.URL, "aigen_event_streams") == "2" })

	a, err := u.Create(p.URL, "", "a red fox")
	require.NoError(t, err)
	types := map[string]bool{}
	for !types["samples_ready"] {
		var e struct{ Type, GenerationID string }
		require.NoError(t, json.Unmarshal([]byte(next(t, raw)), &e))
		require.Equal(t, a.GenerationID, e.GenerationID)
		types[e.Type] = true
	}
	assert.True(t, types["generation_created"], types)
	assert.Regexp(t, `^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ `+a.GenerationID+` generation_created ProcessingSamples$`, next(t, plain))
	for {
		line := next(t, plain)
		assert.NotContains(t, line, "\x1b")
		if strings.Contains(line, " samples_ready ") {
			assert.Regexp(t, ` AwaitingSelection [1-8] samples$`, line)
			break
		}
	}
	assert.Equal(t, 0, stopPlain())
	assert.Equal(t, 0, stopRaw())
}

// metric is the value of a metric without labels.
func metric(t *testing.T, base, name string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, base+"/metrics", nil)
	require.NoError(t, err)
	res, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer res.Body.Close()
	for s := bufio.NewScanner(res.Body); s.Scan(); {
		if value, ok := strings.CutPrefix(s.Text(), name+" "); ok {
			return value
		}
	}
	return ""
}

func next(t *testing.T, lines <-chan string) string {
	t.Helper()
	select {
	case line, more := <-lines:
		require.True(t, more, "the command has ended")
		return line
	case <-time.After(time.Minute):
		require.FailNow(t, "no line came")
		return ""
	}
}

func TestWatchSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := testprogram.Start(t, dir, nil)
	for _, tc := range []struct {
		args []string
		code int
		says string
	}{
		{[]string{"--limit", "0", "--server", "ftp://x"}, 2, "2 faults"},
		{[]string{"--server", "https://aigen.example.com"}, 2, "AIGEN_TOKEN (or --token) is needed"},
		{[]string{"--server", p.URL, "--token", "nonsense"}, 1, "does not accept the token"},
		{[]string{}, 1, "start one with `aigen serve`"}, // LISTEN_ADDR of the tests names no port
	} {
		out, code := testprogram.Tool(t, dir, append([]string{"watch"}, tc.args...)...)
		assert.Equal(t, tc.code, code, out)
		assert.Contains(t, out, tc.says)
	}
}
