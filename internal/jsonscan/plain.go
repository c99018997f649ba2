package jsonscan

import (
	"bytes"
	"unicode/utf8"
)

// plainKeys bounds the keys of all objects that are open at a time in plain JSON, so
// that comparing each with each costs next to nothing.
const plainKeys = 64

// plainJSON reports whether b is JSON that checkJSON has nothing against, in one pass
// and without allocating. It knows what nearly all bodies are made of; false only says
// that somebody has to look closely, as at a body with very many keys.
func plainJSON(b []byte, rules Rules) bool {
	if !utf8.Valid(b) {
		return false
	}
	p := pass{b: b, rules: rules}
	end := p.value(blanks(b, 0), 0)
	return end >= 0 && blanks(b, end) == len(b)
}

// pass reads plain JSON. Its methods take the offset where something begins and
// return the one after its end, or -1.
type pass struct {
	b     []byte
	rules Rules
	keys  [plainKeys]struct{ from, to int } // of the objects that are open, the outermost first
	known int                               // how many there are
}

func (p *pass) value(i, depth int) int {
	if i >= len(p.b) {
		return -1
	}
	switch c := p.b[i]; c {
	case '{', '[':
		if depth++; depth > maxDepth {
			return -1
		}
		if c == '[' {
			return p.array(i, depth)
		}
		known := p.known
		end := p.object(i, depth)
		p.known = known
		return end
	case '"':
		end, _ := p.text(i)
		return end
	case 't':
		return p.word(i, "true")
	case 'f':
		return p.word(i, "false")
	case 'n':
		return p.word(i, "null")
	default:
		return p.number(i)
	}
}

func (p *pass) array(i, depth int) int {
	if i = blanks(p.b, i+1); p.at(i) == ']' {
		return i + 1
	}
	for {
		if i = p.value(i, depth); i < 0 {
			return -1
		}
		switch i = blanks(p.b, i); p.at(i) {
		case ',':
			i = blanks(p.b, i+1)
		case ']':
			return i + 1
		default:
			return -1
		}
	}
}

func (p *pass) object(i, depth int) int {
	if i = blanks(p.b, i+1); p.at(i) == '}' {
		return i + 1
	}
	first := p.known
	for {
		if i = p.key(i, first); i < 0 {
			return -1
		}
		if i = blanks(p.b, i); p.at(i) != ':' {
			return -1
		}
		if i = p.value(blanks(p.b, i+1), depth); i < 0 {
			return -1
		}
		switch i = blanks(p.b, i); p.at(i) {
		case ',':
			i = blanks(p.b, i+1)
		case '}':
			return i + 1
		default:
			return -1
		}
	}
}

// key reads a key that its object, whose keys begin at first, does not have yet.
func (p *pass) key(i, first int) int {
	if p.at(i) != '"' || p.known == plainKeys {
		return -1
	}
	end, escaped := p.text(i)
	if end < 0 || escaped {
		return -1
	}
	key := p.b[i:end]
	for _, other := range p.keys[first:p.known] {
		if bytes.Equal(key, p.b[other.from:other.to]) {
			return -1
		}
	}
	p.keys[p.known] = struct{ from, to int }{i, end}
	p.known++
	return end
}

func (p *pass) text(start int) (end int, escaped bool) {
	for i := start + 1; i < len(p.b); i++ {
		switch c := p.b[i]; {
		case c == '"':
			if escaped && p.rules.RejectLoneSurrogates && halfSurrogate(p.b[start:i+1]) {
				return -1, true
			}
			return i + 1, escaped
		case c < ' ':
			return -1, false
		case c == '\\':
			escaped = true
			if i = p.escape(i + 1); i < 0 {
				return -1, true
			}
		}
	}
	return -1, false
}

// escape reads what follows a backslash. Unlike the others it returns its last byte.
func (p *pass) escape(i int) int {
	switch p.at(i) {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return i
	case 'u':
		for k := i + 1; k <= i+4; k++ {
			if c := p.at(k); (c < '0' || c > '9') && (c|0x20 < 'a' || c|0x20 > 'f') {
				return -1
			}
		}
		return i + 4
	}
	return -1
}

func (p *pass) word(i int, word string) int {
	if end := i + len(word); end <= len(p.b) && string(p.b[i:end]) == word {
		return end
	}
	return -1
}

func (p *pass) number(i int) int {
	if p.at(i) == '-' {
		i++
	}
	switch {
	case p.at(i) == '0':
		i++
	default:
		if i = p.digits(i); i < 0 {
			return -1
		}
	}
	if p.at(i) == '.' {
		if i = p.digits(i + 1); i < 0 {
			return -1
		}
	}
	if p.at(i)|0x20 == 'e' {
		if i++; p.at(i) == '+' || p.at(i) == '-' {
			i++
		}
		return p.digits(i)
	}
	return i
}

// digits reads at least one.
func (p *pass) digits(start int) int {
	i := start
	for c := p.at(i); c >= '0' && c <= '9'; c = p.at(i) {
		i++
	}
	if i == start {
		return -1
	}
	return i
}

// at is the byte at i, 0 after the end: no JSON has one.
func (p *pass) at(i int) byte {
	if i >= len(p.b) {
		return 0
	}
	return p.b[i]
}

// blanks skips white space.
func blanks(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\n' || b[i] == '\r' || b[i] == '\t') {
		i++
	}
	return i
}
