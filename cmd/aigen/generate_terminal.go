package main

import (
	"io"
	"os"
	"strings"
	"unicode"

	"github.com/spf13/cobra"
	"golang.org/x/term"
)

// terminal is what the command has around it: streams, and who is at their other end.
type terminal struct {
	in       io.Reader
	out, err io.Writer // text, cleaned of controls; rawOf has the stream to draw on

	inTTY, outTTY, errTTY bool
	getenv                func(string) string
	width                 func() int                 // of err, in columns
	screen                func() (width, height int) // of out, in columns and lines
}

func terminalOf(cmd *cobra.Command) terminal {
	t := terminal{in: cmd.InOrStdin(), out: cmd.OutOrStdout(), err: cmd.ErrOrStderr(), getenv: os.Getenv}
	out, err := rawOf(t.out), rawOf(t.err)
	t.inTTY, t.outTTY, t.errTTY = isTTY(t.in), isTTY(out), isTTY(err)
	t.width = func() int {
		w, _ := sizeOf(err)
		return w
	}
	t.screen = func() (int, int) { return sizeOf(out) }
	return t
}

// sizeOf is how large a terminal is; what does not say is taken for the usual one.
func sizeOf(stream any) (width, height int) {
	if f, ok := stream.(*os.File); ok {
		if w, h, err := term.GetSize(int(f.Fd())); err == nil && w > 0 && h > 0 {
			return w, h
		}
	}
	return 80, 24
}

func isTTY(stream any) bool {
	f, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// canAsk: a person sees the question and can answer it.
func (t terminal) canAsk() bool { return t.inTTY && t.errTTY }

// canRedraw: a line that was written can be written over.
func (t terminal) canRedraw() bool { return t.errTTY && t.getenv("TERM") != "dumb" }

// colours: see https://no-color.org.
func (t terminal) colours() bool { return t.canRedraw() && t.getenv("NO_COLOR") == "" }

// canTakeOver: the whole screen of standard output is ours to draw on.
func (t terminal) canTakeOver() bool { return t.outTTY && t.getenv("TERM") != "dumb" }

// unicode: the locale is one that shows more than ASCII.
func (t terminal) unicode() bool {
	for _, name := range []string{"LC_ALL", "LC_CTYPE", "LANG"} {
		if v := strings.ToLower(t.getenv(name)); v != "" {
			return strings.Contains(v, "utf-8") || strings.Contains(v, "utf8")
		}
	}
	return false
}

// columns is how wide text is on a terminal, near enough: East Asian characters and
// pictographs take two columns.
func columns(s string) int {
	n := 0
	for _, r := range s {
		n += columnsOf(r)
	}
	return n
}

func columnsOf(r rune) int {
	switch {
	case unicode.Is(unicode.Mn, r):
		return 0
	case r >= 0x1100 && r <= 0x115f, r >= 0x2e80 && r <= 0xa4cf, r >= 0xac00 && r <= 0xd7a3,
		r >= 0xf900 && r <= 0xfaff, r >= 0xfe30 && r <= 0xfe6f, r >= 0xff00 && r <= 0xff60, r >= 0x1f300 && r <= 0x1faff,
		r >= 0x20000:
		return 2
	}
	return 1
}

// shorten cuts text to so many columns.
func shorten(s string, most int) string {
	if columns(s) <= most {
		return s
	}
	n := 0
	for i, r := range s {
		if n += columnsOf(r); n > most-1 {
			return s[:i] + "…"
		}
	}
	return s
}
