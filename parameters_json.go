package aigen

import (
	"bytes"
	"encoding/json"
)

// knownParameters are the members of `inputParameters` that the service reads, as JSON;
// nil where there is none.
type knownParameters struct {
	format, resolution, samples json.RawMessage
	samplesAt                   int // where samples begins
}

// findKnown takes them out of a compact JSON object. encoding/json would copy every
// member into a map, for each request and each time a generation is loaded.
func findKnown(object []byte) (k knownParameters) {
	for i := 1; object[i] != '}'; {
		end := valueEnd(object, i)
		name := object[i:end]
		i = end + 1 // past the colon
		end = valueEnd(object, i)
		switch value := object[i:end:end]; parameterName(name) {
		case "format":
			k.format = value
		case "resolution":
			k.resolution = value
		case "samples":
			k.samples, k.samplesAt = value, i
		}
		if i = end; object[i] == ',' {
			i++
		}
	}
	return k
}

// parameterName is the text of a key, "" for one that is not known.
func parameterName(key []byte) string {
	switch {
	case bytes.IndexByte(key, '\\') >= 0:
		name, _ := unescaped(key)
		return name
	case string(key) == `"format"`:
		return "format"
	case string(key) == `"resolution"`:
		return "resolution"
	case string(key) == `"samples"`:
		return "samples"
	}
	return ""
}

// valueEnd is where the value that starts at i ends. b is compact JSON.
func valueEnd(b []byte, i int) int {
	for depth := 0; ; i++ {
		switch b[i] {
		case '"':
			for i++; b[i] != '"'; i++ {
				if b[i] == '\\' {
					i++
				}
			}
			if depth == 0 {
				return i + 1
			}
		case '{', '[':
			depth++
		case '}', ']':
			if depth == 0 {
				return i // of the object that holds a number or a word
			}
			if depth--; depth == 0 {
				return i + 1
			}
		case ',':
			if depth == 0 {
				return i
			}
		}
	}
}

// textOf is the value of a JSON string; false if v is none.
func textOf(v json.RawMessage) (string, bool) {
	if v[0] != '"' {
		return "", false
	}
	if bytes.IndexByte(v, '\\') < 0 {
		return string(v[1 : len(v)-1]), true
	}
	return unescaped(v)
}

func unescaped(literal []byte) (s string, ok bool) {
	err := json.Unmarshal(literal, &s)
	return s, err == nil
}
