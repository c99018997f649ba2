package testprogram

import (
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Screen is as much of a terminal as the program's displays use: lines that wrap and
// scroll, moving the cursor, clearing, and the other screen. Colours leave no trace.
type Screen struct {
	width, height int
	lines         [][]rune
	x, y          int
	below         [][]rune // the first screen, while the other is shown
	pending       string   // the beginning of a sequence or of a character
}

// NewScreen is an empty screen.
func NewScreen(width, height int) *Screen {
	return &Screen{width: width, height: height, lines: make([][]rune, height)}
}

// Resize cuts lines that are too long, as xterm does.
func (s *Screen) Resize(width, height int) {
	s.width, s.height = width, height
	for i, l := range s.lines {
		s.lines[i] = l[:min(len(l), width)]
	}
	for len(s.lines) > height {
		s.lines = s.lines[1:]
	}
	for len(s.lines) < height {
		s.lines = append(s.lines, nil)
	}
	s.y = min(s.y, height-1)
}

// String is the screen without the blanks at the end of lines and the empty lines at
// its end.
func (s *Screen) String() string {
	lines := make([]string, len(s.lines))
	for i, l := range s.lines {
		lines[i] = strings.TrimRight(string(l), " ")
	}
	return strings.TrimRight(strings.Join(lines, "\n"), "\n")
}

// Write takes what a program writes.
func (s *Screen) Write(p []byte) {
	text := s.pending + string(p)
	s.pending = ""
	for text != "" {
		n := s.take(text)
		if n == 0 {
			s.pending = text // the rest of it comes with the next bytes
			return
		}
		text = text[n:]
	}
}

// take handles one character or sequence and returns its length, 0 if it is not whole.
func (s *Screen) take(text string) int {
	switch text[0] {
	case '\r':
		s.x = 0
		return 1
	case '\n':
		s.newline()
		return 1
	case '\x1b':
		return s.sequence(text)
	}
	if !utf8.FullRuneInString(text) {
		return 0
	}
	r, n := utf8.DecodeRuneInString(text)
	if r >= ' ' {
		s.put(r)
	}
	return n
}

func (s *Screen) put(r rune) {
	if s.x >= s.width {
		s.x = 0
		s.newline()
	}
	line := s.lines[s.y]
	for len(line) <= s.x {
		line = append(line, ' ')
	}
	line[s.x] = r
	s.lines[s.y] = line
	s.x++
}

func (s *Screen) newline() {
	if s.y++; s.y >= s.height {
		s.y = s.height - 1
		s.lines = append(s.lines[1:], nil)
	}
}

// sequence handles ESC [ parameters letter.
func (s *Screen) sequence(text string) int {
	end := strings.IndexFunc(text[min(2, len(text)):], func(r rune) bool { return r >= '@' && r <= '~' })
	if end < 0 {
		return 0
	}
	parameters := text[2 : 2+end]
	n, _ := strconv.Atoi(parameters)
	switch text[2+end] {
	case 'H':
		s.x, s.y = 0, 0
	case 'A':
		s.y = max(0, s.y-max(n, 1))
	case 'K':
		if n == 2 {
			s.lines[s.y] = nil
		}
		s.lines[s.y] = s.lines[s.y][:min(len(s.lines[s.y]), s.x)]
	case 'J':
		s.lines[s.y] = s.lines[s.y][:min(len(s.lines[s.y]), s.x)]
		for i := s.y + 1; i < len(s.lines); i++ {
			s.lines[i] = nil
		}
	case 'h':
		if parameters == "?1049" {
			s.below, s.lines, s.x, s.y = slices.Clone(s.lines), make([][]rune, s.height), 0, 0
		}
	case 'l':
		if parameters == "?1049" {
			s.lines = s.below
			s.Resize(s.width, s.height)
			s.x, s.y = 0, s.lastLine()
		}
	}
	return 3 + end
}

// lastLine is the first line below all text: near enough where the cursor was left.
func (s *Screen) lastLine() int {
	for i := len(s.lines) - 1; i >= 0; i-- {
		if len(s.lines[i]) > 0 {
			return min(i+1, len(s.lines)-1)
		}
	}
	return 0
}
