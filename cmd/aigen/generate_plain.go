package main

import (
	"fmt"
	"image"
	"io"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/client"
)

// questions is the part of a view that --quiet leaves: what a person has to answer.
type questions struct{ err io.Writer }

func (v *questions) Write(p []byte) (int, error) { return v.err.Write(p) }

func (v *questions) line(format string, args ...any) {
	_, _ = fmt.Fprintf(v.err, format+"\n", args...) // nobody to tell if it fails
}

func (v *questions) offer(_ []aigen.Asset, where []string) {
	for i, s := range where {
		v.line("  %d  %s", i+1, printable(s))
	}
}

func (v *questions) ask(question string) {
	_, _ = fmt.Fprint(v.err, question+" ") // nobody to tell if it fails
}

func (v *questions) again(n int) { v.line("Type a number from 1 to %d, r or q.", n) }

func (v *questions) endLine() { v.line("") }

func (*questions) note(string)            {}
func (*questions) begin(client.Accepted)  {}
func (*questions) drawsPictures() bool    { return false }
func (*questions) pictures([]image.Image) {}
func (*questions) event(client.Event)     {}
func (*questions) close()                 {}

// plainView writes lines, for logs and for terminals that cannot redraw.
type plainView struct {
	questions

	percent int // last shown
}

func (v *plainView) note(text string) { v.line("%s", text) }

func (v *plainView) begin(a client.Accepted) {
	v.line("generation %s: %s credits reserved", a.GenerationID, a.CreditsReserved)
}

func (v *plainView) event(e client.Event) {
	s := stepOf(e)
	switch {
	case e.Type == aigen.EventProgress && e.Data.Progress != nil:
		// A line for each percent would bury everything else.
		if p := *e.Data.Progress; p >= v.percent+20 || p < v.percent {
			v.percent = p
			v.line("%s: %d%%", s.name, p)
		}
		return
	case s.mark == stepRuns:
		v.percent = 0
		v.line("%s: %s", s.name, orElse(s.remark, "started"))
	default:
		v.line("%s: %s", s.name, orElse(s.remark, "done"))
	}
}

func orElse(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}
