package worker

import (
	"bytes"
	"encoding/json"
	"errors"
	"mime"
	"slices"
	"strings"
)

// answer is what a good answer holds: pictures, or where they are. Servers that say they
// speak the OpenAI images API put them in many places.
type answer struct {
	pictures []found
	filtered bool           // a picture was made and withheld, or blackened
	bad      error          // of what claimed to be a picture and is none
	body     map[string]any // for the reason why there is no picture; nil if it is no object
}

// found is a picture of an answer: its bytes, or its address.
type found struct {
	data    []byte
	url     string
	revised string // what the model made of the prompt
}

var (
	errCutOff  = errors.New("the answer is cut off")
	errNotJSON = errors.New("the answer is not the JSON that was expected")
)

// parseAnswer reads whatever pictures are in the body of a good answer. It judges none of
// them. Errors: errCutOff, errNotJSON, or what is wrong with a stream of events.
func parseAnswer(contentType string, body []byte) (answer, error) {
	var a answer
	kind, _, _ := mime.ParseMediaType(contentType)
	text := bytes.TrimSpace(body)
	switch {
	case len(text) == 0:
		return a, errCutOff
	case isPicture(body) || strings.HasPrefix(kind, "image/"):
		a.pictures = append(a.pictures, found{data: body})
		return a, nil
	case kind == "text/event-stream" || bytes.HasPrefix(text, []byte("event:")) || bytes.HasPrefix(text, []byte("data: ")):
		return parseEvents(text)
	case bytes.HasPrefix(text, []byte("data:")):
		a.take(string(text), false)
		return a, nil
	}
	v, err := parseJSON(text)
	if err != nil {
		return a, err
	}
	a.body, _ = v.(map[string]any)
	a.collect(v, 0)
	return a, nil
}

func parseJSON(text []byte) (any, error) {
	var v any
	err := json.Unmarshal(text, &v)
	var syntax *json.SyntaxError
	switch {
	case err == nil:
		return v, nil
	case errors.As(err, &syntax) && syntax.Offset >= int64(len(text)) && (text[0] == '{' || text[0] == '['):
		return nil, errCutOff
	}
	return nil, errNotJSON // not the parser's own words: they quote the answer
}

// parseEvents reads a stream of events: what was completed counts, previews do not.
func parseEvents(text []byte) (answer, error) {
	var a answer
	text = bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n"))
	for event := range bytes.SplitSeq(text, []byte("\n\n")) {
		var data []byte
		for line := range bytes.SplitSeq(event, []byte("\n")) {
			if rest, ok := bytes.CutPrefix(line, []byte("data:")); ok {
				data = append(append(data, bytes.TrimPrefix(rest, []byte(" "))...), '\n')
			}
		}
		v, err := parseJSON(append(bytes.TrimSpace(data), ' '))
		if err != nil {
			continue // a comment, [DONE], or the half of an event at the end
		}
		m, ok := v.(map[string]any)
		kind, _ := m["type"].(string)
		if !ok || strings.Contains(kind, "partial") && m["error"] == nil {
			continue
		}
		if a.body == nil || m["error"] != nil {
			a.body = m
		}
		a.collect(v, 0)
	}
	if len(a.pictures) == 0 && a.body == nil {
		return a, errCutOff
	}
	return a, nil
}

// Names of fields that hold pictures or lead to them, the better first, in lower case
// and without marks between the words.
var (
	dataFields = []string{
		"b64json", "b64", "base64", "imagebase64", "imageb64", "base64image", "bytesbase64encoded", "imagebytes",
	}
	pictureFields = append(slices.Clone(dataFields),
		"data", "images", "image", "artifacts", "output", "outputs", "result", "results", "predictions", "generatedimages",
		"generations", "candidates", "content", "parts", "inlinedata", "choices", "message", "imagedata", "item", "items",
		"picture", "pictures", "response", "sample", "imageurl", "imageurls", "url", "urls", "uri", "file", "files")
)

const maxDepth = 12 // of JSON that is looked into

// collect looks for pictures in the places where servers put them.
func (a *answer) collect(v any, depth int) {
	if depth > maxDepth {
		return
	}
	switch v := v.(type) {
	case string:
		a.take(v, false)
	case []any:
		for _, e := range v {
			a.collect(e, depth+1)
		}
	case map[string]any:
		fields := plainNames(v)
		if isFiltered(fields) {
			a.filtered = true
			return
		}
		before := len(a.pictures)
		for _, name := range pictureFields {
			switch inner := fields[name].(type) {
			case string:
				a.take(inner, slices.Contains(dataFields, name))
			case []any, map[string]any:
				a.collect(inner, depth+1)
			}
		}
		if revised, _ := fields["revisedprompt"].(string); revised != "" {
			for i := range a.pictures[before:] {
				a.pictures[before+i].revised = revised
			}
		}
	}
}

// take looks at a text that may be a picture. sure says that it can be nothing else.
func (a *answer) take(s string, sure bool) {
	s = strings.TrimSpace(s)
	switch {
	case s == "":
	case hasPrefixFold(s, "data:"), sure && !isAddress(s), startsAsPicture(s):
		data, err := decodeBase64(s)
		if err != nil {
			a.bad = err
			return
		}
		a.pictures = append(a.pictures, found{data: data})
	case isAddress(s), strings.HasPrefix(s, "/") && len(s) < maxAddress:
		a.pictures = append(a.pictures, found{url: s})
	}
}

const maxAddress = 8192 // bytes

func isAddress(s string) bool {
	return (hasPrefixFold(s, "https://") || hasPrefixFold(s, "http://")) && len(s) < maxAddress && !strings.ContainsAny(s, " \n")
}

func hasPrefixFold(s, prefix string) bool {
	return len(s) >= len(prefix) && strings.EqualFold(s[:len(prefix)], prefix)
}

// startsAsPicture reports whether s is base64 of something that begins as a picture.
func startsAsPicture(s string) bool {
	if len(s) < 64 {
		return false
	}
	head, err := decodeBase64(s[:64])
	return err == nil && isPicture(head)
}

// plainNames has the fields by their names in lower case, without marks between words:
// servers agree on the words at most.
func plainNames(m map[string]any) map[string]any {
	plain := make(map[string]any, len(m))
	for name, v := range m {
		if old, twice := plain[plainName(name)]; !twice || old == nil {
			plain[plainName(name)] = v
		}
	}
	return plain
}

// plainName keeps letters and digits, in lower case.
func plainName(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			return r
		case r >= 'A' && r <= 'Z':
			return r + 'a' - 'A'
		}
		return -1
	}, s)
}

// isFiltered reports whether an entry says of itself that its picture was withheld.
// Some servers put a black or blurred picture beside.
func isFiltered(fields map[string]any) bool {
	for _, name := range []string{"filtered", "isfiltered", "contentfiltered", "nsfw", "isnsfw", "hasnsfw", "nsfwcontentdetected", "blocked", "flagged", "moderated", "ismoderated"} {
		if yes, _ := fields[name].(bool); yes {
			return true
		}
	}
	for _, name := range []string{"respectmoderation", "isimagesafe"} {
		if safe, told := fields[name].(bool); told && !safe {
			return true
		}
	}
	for _, name := range []string{"finishreason", "status", "blockreason", "raifilteredreason"} {
		if code, _ := fields[name].(string); isContentCode(code) {
			return true
		}
	}
	if concepts, _ := fields["hasnsfwconcepts"].([]any); len(concepts) > 0 {
		return !slices.Contains(concepts, any(false)) && slices.Contains(concepts, any(true))
	}
	results, _ := fields["contentfilterresults"].(map[string]any)
	for _, category := range results {
		if m, _ := category.(map[string]any); m != nil && m["filtered"] == true {
			return true
		}
	}
	return false
}
