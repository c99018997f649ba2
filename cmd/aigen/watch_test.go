package main

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/client"
)

var noon = time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)

// at is a generation that was made so many seconds after noon.
func at(seconds int, status aigen.Status) client.Generation {
	when := noon.Add(time.Duration(seconds) * time.Second)
	return client.Generation{
		ID: aigen.ID{15: byte(seconds)}, InputPrompt: fmt.Sprintf("prompt %d", seconds), Status: status, Attempt: 1, CreatedAt: when, UpdatedAt: when,
	}
}

func eventAt(seconds int, id aigen.ID, kind aigen.EventType, status aigen.Status) client.Event {
	return client.Event{Type: kind, At: noon.Add(time.Duration(seconds) * time.Second), Data: aigen.EventData{GenerationID: id, Status: status}}
}

func TestAnEventKnowsBetterThanAnOlderList(t *testing.T) {
	t.Parallel()
	rows := watchRows{}
	g := at(0, aigen.StatusProcessingSamples)
	rows.event(eventAt(5, g.ID, aigen.EventSamplesReady, aigen.StatusAwaitingSelection))
	rows.known(&g) // was read before, and comes after
	r := rows[g.ID]
	assert.Equal(t, aigen.StatusAwaitingSelection, r.status)
	assert.Equal(t, "prompt 0", r.prompt, "what only the list knows")
	assert.Equal(t, noon, r.created)

	rows.event(eventAt(2, g.ID, aigen.EventSamplesStarted, aigen.StatusProcessingSamples))
	assert.Equal(t, aigen.StatusAwaitingSelection, r.status, "an older event changes nothing")

	g.Status, g.UpdatedAt = aigen.StatusFailed, noon.Add(time.Minute)
	g.Error = &aigen.Failure{Message: "It\x1b[2J broke"}
	rows.known(&g)
	assert.Equal(t, aigen.StatusFailed, r.status)
	assert.Equal(t, "It[2J broke", r.failure)
}

func TestProgressLastsAsLongAsItsStage(t *testing.T) {
	t.Parallel()
	rows, id := watchRows{}, aigen.ID{1}
	progress := func(percent int) {
		e := eventAt(1, id, aigen.EventProgress, aigen.StatusProcessingSamples)
		e.Data.Progress = &percent
		rows.event(e)
	}
	progress(40)
	assert.Equal(t, 40, rows[id].percent)
	progress(400)
	assert.Equal(t, 100, rows[id].percent)
	rows.event(eventAt(2, id, aigen.EventFinalStarted, aigen.StatusProcessingFinal))
	assert.Equal(t, -1, rows[id].percent)
	rows.event(eventAt(3, id, aigen.EventCompleted, aigen.StatusCompleted))
	progress(50)
	assert.Equal(t, -1, rows[id].percent, "a late report of progress is no news")
}

func TestWhatRunsIsShownBeforeWhatHasEnded(t *testing.T) {
	t.Parallel()
	rows := watchRows{}
	for i := range 6 {
		g := at(i, aigen.StatusCompleted)
		switch i {
		case 0:
			g.Status = aigen.StatusProcessingFinal
		case 2:
			g.Status = aigen.StatusAwaitingSelection
		}
		rows.known(&g)
	}
	ids := func(shown []*watchRow) (s []int) {
		for _, r := range shown {
			s = append(s, int(r.id[15]))
		}
		return s
	}
	assert.Equal(t, []int{5, 4, 3, 2, 1, 0}, ids(rows.newest(10)), "the newest first")
	assert.Equal(t, []int{5, 2, 0}, ids(rows.newest(3)))
	assert.Equal(t, []int{0}, ids(rows.newest(1)))
	rows.prune(2)
	assert.Len(t, rows, 2)
}

// aScreen is a table with one generation of every status, of a screen of this size.
func aScreen(width, height int, env map[string]string) *watchScreen {
	v := &watchScreen{
		term: terminal{outTTY: true, getenv: func(name string) string { return env[name] }, screen: func() (int, int) { return width, height }},
		out:  &bytes.Buffer{}, url: "http://127.0.0.1:8000", now: func() time.Time { return noon.Add(time.Hour) }, rows: watchRows{}, first: true,
	}
	v.glyphs = glyphsFor(v.term)
	for i, status := range aigen.Statuses() {
		g := at(i, status)
		g.InputPrompt = "狐 a rather long prompt, with wide characters and a 🦊 in it, that fits no screen " + strings.Repeat("x", 200)
		if status == aigen.StatusFailed {
			g.Error = &aigen.Failure{Message: "The paint ran out."}
		}
		v.rows.known(&g)
	}
	return v
}

func TestATableFitsEveryScreen(t *testing.T) {
	t.Parallel()
	for _, env := range []map[string]string{{"LANG": "C.UTF-8"}, {"NO_COLOR": "1"}} {
		for width := 1; width <= 130; width += 3 {
			for _, height := range []int{1, 3, 4, 30} {
				for _, down := range []error{nil, errors.New("a rather long reason why there is no connection at all")} {
					v := aScreen(width, height, env)
					v.down = down
					lines := v.lines(width, height)
					require.LessOrEqual(t, len(lines), height)
					for _, line := range lines {
						require.LessOrEqual(t, columns(escape.ReplaceAllString(line, "")), max(width-1, 1), "%dx%d: %q", width, height, line)
					}
				}
			}
		}
	}
}

func TestATable(t *testing.T) {
	t.Parallel()
	v := aScreen(80, 24, map[string]string{"NO_COLOR": "1", "LANG": "C.UTF-8"})
	percent := 40
	e := eventAt(1, aigen.ID{15: 1}, aigen.EventProgress, aigen.StatusProcessingSamples)
	e.Data.Progress = &percent
	require.NoError(t, v.event(e))
	text := strings.Join(v.lines(80, 24), "\n")
	assert.NotContains(t, text, "\x1b", "NO_COLOR")
	for _, part := range []string{
		"aigen watch  http://127.0.0.1:8000  3 running", "⠋ 00000001 samples     ━━━━╌╌╌╌╌╌  40%  59m 狐 a rather",
		"? 00000002 to choose", "✓ 00000004 completed", "✗ 00000005 failed", "The paint ran out.  狐",
	} {
		assert.Contains(t, text, part)
	}
}

func TestOnlyWhatChangesIsDrawn(t *testing.T) {
	t.Parallel()
	v := aScreen(80, 24, nil)
	clear(v.rows)
	out := v.out.(*bytes.Buffer)
	v.draw()
	require.NotZero(t, out.Len())
	out.Reset()
	v.tick()
	assert.Zero(t, out.Len(), "nothing runs, nothing turns")
	v.term.screen = func() (int, int) { return 90, 24 }
	v.tick()
	assert.NotZero(t, out.Len(), "a window of another size is drawn anew")
}
