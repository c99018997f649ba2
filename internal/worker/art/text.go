package art

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxCaptionRunes is more than three lines can hold: the rest of a long prompt is cut
// before it is measured.
const maxCaptionRunes = 240

// legible makes a text that the font can show: one line, without control characters and
// invisible marks. Symbols the font lacks, such as emoji, are left out; runs of letters
// it lacks become one dot, so that one sees that something stood there. A text of
// nothing but such dots is worth nothing, and empty.
func legible(text string, has func(rune) bool) string {
	var b strings.Builder
	space, dot, some, n := false, false, false, 0
	put := func(r rune) {
		if space && n > 0 {
			b.WriteByte(' ')
			n++
		}
		space = false
		b.WriteRune(r)
		n++
	}
	for _, r := range text {
		switch {
		case n >= maxCaptionRunes:
			return b.String()
		case unicode.IsSpace(r):
			space = true
		case r == utf8.RuneError, unicode.IsControl(r), unicode.In(r, unicode.Cf, unicode.Mn, unicode.Me, unicode.Co, unicode.Cs):
			// Control, format and combining marks; the latter would be set beside their letter.
		case has(r):
			put(r)
			dot, some = false, some || unicode.IsLetter(r) || unicode.IsDigit(r)
		case unicode.IsLetter(r) || unicode.IsDigit(r):
			if !dot {
				put('·')
			}
			dot, space = true, false
		}
	}
	if !some {
		return ""
	}
	return b.String()
}

// wrap breaks text at spaces into at most limit lines that fit. A word that fits no line
// is broken anywhere; what the last line cannot hold is replaced by an ellipsis.
func wrap(text string, limit int, fits func(string) bool) []string {
	var lines []string
	rest := text
	for rest != "" {
		line, left := takeLine(rest, fits)
		if line == "" {
			return lines // not even one letter fits
		}
		if len(lines) == limit-1 && left != "" {
			return append(lines, shorten(line, fits))
		}
		lines = append(lines, line)
		rest = left
	}
	return lines
}

// takeLine returns the longest start of text that fits, and what follows it.
func takeLine(text string, fits func(string) bool) (line, rest string) {
	end := 0 // the end of the last word that fits
	for i := 0; i <= len(text); i++ {
		if i < len(text) && text[i] != ' ' {
			continue
		}
		if !fits(text[:i]) {
			break
		}
		end = i
	}
	if end == 0 {
		for i, r := range text {
			if !fits(text[:i+utf8.RuneLen(r)]) {
				break
			}
			end = i + utf8.RuneLen(r)
		}
	}
	return text[:end], strings.TrimLeft(text[end:], " ")
}

// shorten takes letters off the end until the line fits with an ellipsis.
func shorten(line string, fits func(string) bool) string {
	for line != "" {
		if t := strings.TrimRight(line, " ,.;:-–") + "…"; fits(t) {
			return t
		}
		_, n := utf8.DecodeLastRuneInString(line)
		line = line[:len(line)-n]
	}
	return "…"
}
