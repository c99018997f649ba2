package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/client"
)

// maxRows bounds what a table remembers: more than any screen shows.
const maxRows = 500

// watchScreen draws a table over the whole screen, beside the one that the person has
// worked on, and leaves its last state there when it ends.
type watchScreen struct {
	term   terminal
	out    io.Writer
	url    string
	glyphs glyphs
	now    func() time.Time

	rows  watchRows
	down  error // why there is no connection
	first bool  // the first list has come
	frame int

	drawn         string // the last table, and the screen that it was drawn for
	width, height int
}

func newWatchScreen(term terminal, url string) *watchScreen {
	v := &watchScreen{term: term, out: rawOf(term.out), url: url, glyphs: glyphsFor(term), now: time.Now, rows: watchRows{}}
	v.write("\x1b[?1049h\x1b[?25l") // the other screen, no cursor
	v.draw()
	return v
}

func (v *watchScreen) write(s string) { _, _ = io.WriteString(v.out, s) } // nobody to tell if it fails

func (v *watchScreen) wants() bool { return true }

func (v *watchScreen) known(all []client.Generation) {
	for i := range all {
		v.rows.known(&all[i])
	}
	v.first = true
	v.draw()
}

func (v *watchScreen) event(e client.Event) error {
	v.rows.event(e)
	v.rows.prune(maxRows)
	v.draw()
	return nil
}

func (v *watchScreen) link(l client.Link) {
	v.down = l.Down
	v.draw()
}

func (v *watchScreen) tick() {
	v.frame++
	v.draw()
}

// close gives the screen back, and leaves the table on it.
func (v *watchScreen) close() {
	v.write("\x1b[?25h\x1b[?1049l")
	width, height := v.term.screen()
	for _, line := range v.lines(width, height) {
		v.write(line + "\n")
	}
}

// draw writes the table over the last one, if it looks otherwise. The size is asked for
// each time: in a window that was resized, nobody knows what is left of the last one.
func (v *watchScreen) draw() {
	width, height := v.term.screen()
	var b strings.Builder
	for i, line := range v.lines(width, height) {
		if i > 0 {
			b.WriteString("\r\n")
		}
		b.WriteString(line + "\x1b[K")
	}
	b.WriteString("\x1b[J")
	if frame := b.String(); frame != v.drawn || width != v.width || height != v.height {
		v.drawn, v.width, v.height = frame, width, height
		v.write("\x1b[?2026h\x1b[H" + frame + "\x1b[?2026l") // shown at once, where the terminal can
	}
}

// lines is the table for a screen of this size.
func (v *watchScreen) lines(width, height int) []string {
	room := max(height-3, 1) // the head, a blank and the foot
	shown := v.rows.newest(room)
	lines := []string{v.head(width), ""}
	if height < 4 {
		lines = nil
	}
	for _, r := range shown {
		lines = append(lines, v.line(r, width))
	}
	if foot := v.foot(len(shown), width); foot != "" {
		lines = append(lines, foot)
	}
	return lines[:min(len(lines), max(height, 1))]
}

func (v *watchScreen) head(width int) string {
	running := 0
	for _, r := range v.rows {
		if r.running() {
			running++
		}
	}
	text := fmt.Sprintf("%s  %d running", v.url, running)
	return v.colour("1", shorten("aigen watch  "+text, width-1))
}

func (v *watchScreen) foot(shown, width int) string {
	switch {
	case v.down != nil:
		return v.colour("33", shorten("no connection, trying again: "+printable(v.down.Error()), width-1))
	case !v.first:
		return v.colour("2", shorten("connecting", width-1))
	case len(v.rows) == 0:
		return v.colour("2", shorten("no generations yet: make one with aigen generate", width-1))
	case shown < len(v.rows):
		return v.colour("2", shorten(fmt.Sprintf("and %d older", len(v.rows)-shown), width-1))
	}
	return ""
}

// The widths at which the table gets its columns.
const (
	widthForID   = 40
	widthForBar  = 64
	widthForUUID = 120
	watchBar     = 10
)

func (v *watchScreen) line(r *watchRow, width int) string {
	mark, code := v.mark(r)
	cells := []string{v.colour(code, mark)}
	used := 1
	add := func(colour, text string) {
		room := width - 1 - used - 1
		if room < 1 {
			return
		}
		text = shorten(text, room)
		cells = append(cells, v.colour(colour, text))
		used += 1 + columns(text)
	}
	switch {
	case width >= widthForUUID:
		add("2", r.id.String())
	case width >= widthForID:
		add("2", r.id.String()[28:]) // the first characters are the time, alike for many
	}
	add("", fmt.Sprintf("%-11s", wordOf(r.status)))
	if width >= widthForBar {
		add("36", v.bar(r))
	}
	if width >= widthForID {
		add("2", fmt.Sprintf("%4s", v.age(r)))
	}
	text := r.prompt
	if r.failure != "" {
		text = r.failure + "  " + text
	}
	if width-used > 5 { // less says nothing
		add("", text)
	}
	return strings.TrimRight(strings.Join(cells, " "), " ")
}

func (v *watchScreen) mark(r *watchRow) (mark, colour string) {
	switch {
	case r.status == aigen.StatusCompleted:
		return v.glyphs.done, "32"
	case r.status == aigen.StatusCancelled:
		return v.glyphs.failed, "2"
	case r.status.Ended():
		return v.glyphs.failed, "31"
	case r.status == aigen.StatusAwaitingSelection:
		return "?", "33"
	}
	return v.glyphs.spinner[v.frame%len(v.glyphs.spinner)], "36"
}

// bar shows how far the stage is or, where there is none, what else there is to say.
func (v *watchScreen) bar(r *watchRow) string {
	text := ""
	switch {
	case r.running() && r.percent >= 0:
		n := r.percent * watchBar / 100
		text = strings.Repeat(v.glyphs.filled, n) + strings.Repeat(v.glyphs.unfilled, watchBar-n) + fmt.Sprintf(" %3d%%", r.percent)
	case r.running() && r.attempt > 1:
		text = fmt.Sprintf("try %d", r.attempt)
	case r.status == aigen.StatusAwaitingSelection && r.samples > 0:
		text = count(r.samples, "sample")
	}
	return text + strings.Repeat(" ", max(0, watchBar+5-columns(text)))
}

// age is how long it has been at it or, when it has ended, how long ago that was.
func (v *watchScreen) age(r *watchRow) string {
	since := r.created
	if r.status.Ended() {
		since = r.updated
	}
	return shortTime(v.now().Sub(since))
}

// shortTime is four characters at most, up to a year.
func shortTime(d time.Duration) string {
	d = max(d, 0)
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%ds", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%dm", int(d.Minutes()))
	case d < 100*time.Hour:
		return fmt.Sprintf("%dh", int(d.Hours()))
	}
	return fmt.Sprintf("%dd", int(d.Hours())/24)
}

func wordOf(s aigen.Status) string {
	switch s {
	case aigen.StatusPending:
		return "credits"
	case aigen.StatusProcessingSamples:
		return "samples"
	case aigen.StatusAwaitingSelection:
		return "to choose"
	case aigen.StatusProcessingFinal:
		return "final"
	case aigen.StatusCompleted:
		return "completed"
	case aigen.StatusFailed:
		return "failed"
	case aigen.StatusCancelled:
		return "cancelled"
	case aigen.StatusContentRejected:
		return "not allowed"
	}
	return printable(string(s))
}

func (v *watchScreen) colour(code, text string) string {
	if code == "" || text == "" || v.term.getenv("NO_COLOR") != "" {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}
