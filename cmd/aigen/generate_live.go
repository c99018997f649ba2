package main

import (
	"fmt"
	"image"
	"strings"
	"sync"
	"time"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/client"
)

// liveView keeps one line up to date at the bottom, and leaves a line behind for
// each step that is over.
type liveView struct {
	questions

	term   terminal
	title  string
	glyphs glyphs
	draws  bool // pictures
	done   chan struct{}
	ended  sync.WaitGroup
	once   sync.Once

	mu      sync.Mutex
	running *step // what the live line shows; nil: there is none
	since   time.Time
	percent int // -1: not known
	frame   int
	drawn   bool // the live line is on the screen
}

// redrawEvery makes the spinner turn.
const redrawEvery = 100 * time.Millisecond

// glyphs are the signs of the display; without Unicode, plain ones.
type glyphs struct {
	spinner          []string
	done, failed     string
	filled, unfilled string
}

func glyphsFor(t terminal) glyphs {
	if !t.unicode() {
		return glyphs{strings.Split(`|/-\`, ""), "+", "x", "#", "."}
	}
	return glyphs{strings.Split("⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏", ""), "✓", "✗", "━", "╌"}
}

func newLiveView(o *generateOptions, term terminal) *liveView {
	v := &liveView{
		questions: questions{err: rawOf(term.err)}, term: term, title: printable(o.input.Prompt), glyphs: glyphsFor(term),
		draws: term.canDraw() && !o.noPictures, done: make(chan struct{}), percent: -1,
	}
	v.ended.Go(v.spin)
	return v
}

func (v *liveView) spin() {
	ticker := time.NewTicker(redrawEvery)
	defer ticker.Stop()
	for {
		select {
		case <-v.done:
			return
		case <-ticker.C:
			v.mu.Lock()
			v.frame++
			v.draw()
			v.mu.Unlock()
		}
	}
}

// close ends the spinner and takes the live line away.
func (v *liveView) close() {
	v.once.Do(func() { close(v.done) })
	v.ended.Wait()
	v.mu.Lock()
	defer v.mu.Unlock()
	v.erase()
	v.running = nil
}

// Write puts lines of a log above the live line.
func (v *liveView) Write(p []byte) (int, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.erase()
	defer v.draw()
	return v.err.Write(p)
}

func (v *liveView) note(text string) {
	_, _ = v.Write([]byte(v.colour("2", printable(text)) + "\n")) // nobody to tell if it fails
}

func (v *liveView) begin(a client.Accepted) {
	v.note("generation " + a.GenerationID.String() + ", " + a.CreditsReserved.String() + " credits reserved")
	_, _ = v.Write([]byte(v.colour("1", shorten(v.title, v.term.width()-1)) + "\n"))
}

func (v *liveView) event(e client.Event) {
	v.mu.Lock()
	defer v.mu.Unlock()
	s := stepOf(e)
	if s.mark != stepRuns {
		v.finish(s)
		return
	}
	if v.running == nil || v.running.name != s.name {
		v.since = time.Now()
	}
	if e.Type != aigen.EventProgress || v.running == nil {
		v.running, v.percent = &s, -1
	}
	if p := e.Data.Progress; p != nil {
		v.percent = min(max(*p, 0), 100)
	}
	v.draw()
}

// finish leaves a line for a step that is over.
func (v *liveView) finish(s step) {
	mark := v.colour("32", v.glyphs.done)
	if s.mark == stepFailed {
		mark = v.colour("31", v.glyphs.failed)
	}
	took := ""
	if v.running != nil {
		took = v.colour("2", "  "+elapsed(v.since))
	}
	v.erase()
	v.running, v.percent = nil, -1
	v.line("  %s %-8s %s%s", mark, s.name, printable(s.remark), took)
}

func (v *liveView) drawsPictures() bool { return v.draws }

// pictures draws the samples, where the terminal can.
func (v *liveView) pictures(all []image.Image) {
	if len(all) == 0 {
		return
	}
	lines := gallery(all, v.term.width(), v.term.depth())
	if len(lines) > 0 {
		_, _ = v.Write([]byte(strings.Join(lines, "\n") + "\n")) // nobody to tell if it fails
	}
}

const barWidth = 24

// draw writes the live line over the last one. It is cut to the width of the
// terminal: a line that wraps cannot be written over.
func (v *liveView) draw() {
	if v.running == nil {
		return
	}
	bar := ""
	if v.percent >= 0 {
		n := v.percent * barWidth / 100
		bar = v.colour("36", strings.Repeat(v.glyphs.filled, n)) + v.colour("2", strings.Repeat(v.glyphs.unfilled, barWidth-n)) +
			fmt.Sprintf(" %3d%%  ", v.percent)
	}
	head := fmt.Sprintf("  %s %-8s ", v.glyphs.spinner[v.frame%len(v.glyphs.spinner)], v.running.name)
	tail := elapsed(v.since)
	if v.running.remark != "" {
		tail += "  " + printable(v.running.remark)
	}
	room := v.term.width() - 1 - columns(head)
	if v.percent >= 0 {
		room -= barWidth + len(" 100%  ")
	}
	if room < len("12.3s") { // too narrow for the bar
		bar, room = "", max(0, v.term.width()-1-columns(head))
	}
	v.drawn = true
	_, _ = fmt.Fprint(v.err, "\r\x1b[2K"+head+bar+v.colour("2", shorten(tail, room))) // nobody to tell if it fails
}

func (v *liveView) erase() {
	if v.drawn {
		_, _ = fmt.Fprint(v.err, "\r\x1b[2K") // likewise
		v.drawn = false
	}
}

func (v *liveView) colour(code, text string) string {
	if !v.term.colours() || text == "" {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

func elapsed(since time.Time) string {
	return fmt.Sprintf("%.1fs", time.Since(since).Seconds())
}
