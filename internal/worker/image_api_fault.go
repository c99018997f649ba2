package worker

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// fault is what an answer says of an error, wherever it says it: the fields of OpenAI
// ({"error": {"code", "type", "param", "message"}}) or those of the many others.
type fault struct {
	status   int      // of HTTP; of a good answer with an error in it, the status that it stands for
	codes    []string // words for programs, the outermost first
	messages []string // words for people: may quote the prompt
	params   []string // of the request, which it names as wrong
	claimed  bool     // it says that it is an error
	wait     time.Duration
}

// Names of fields, in lower case and without marks between the words.
var (
	codeFields = []string{
		"code", "type", "status", "reason", "name", "kind", "errorcode", "errortype", "blockreason", "finishreason", "error",
		"errcode", "statuscode", "failurereason", "failurecode", "raifilteredreason", "subcode",
	}
	messageFields = []string{
		"message", "msg", "detail", "details", "error", "errors", "errormessage", "errormsg", "errordescription", "description",
		"reason", "title", "statusmsg", "finishmessage", "raifilteredreason", "failurereason", "info",
	}
	// What the server repeats of the request, and what is large.
	unreadFields = []string{
		"input", "prompt", "revisedprompt", "request", "requestparameters", "ctx", "url", "b64json", "timinginfo", "headers", "usage",
		"safetysettings", "stack", "traceback",
	}
)

// parseFault reads whatever it can: each field may be missing, null or a number.
func parseFault(status int, body []byte) fault {
	f := fault{status: status}
	var v any
	if json.Unmarshal(body, &v) != nil {
		f.note(&f.messages, string(body))
		return f
	}
	f.read(v)
	return f
}

// faultWithin reads the reason out of a good answer without a picture. It reports false
// if there is none.
func faultWithin(status int, body map[string]any) (fault, bool) {
	f := fault{status: status}
	f.read(body)
	if !f.claimed && !f.aboutContent("") {
		return f, false
	}
	f.status = f.standsFor()
	return f, true
}

func (f *fault) read(v any) {
	if m, ok := v.(map[string]any); ok {
		fields := plainNames(m)
		status, _ := fields["status"].(string)
		f.claimed = fields["error"] != nil || fields["errors"] != nil || fields["success"] == false ||
			slices.Contains([]string{"failed", "failure", "error"}, strings.ToLower(status))
	}
	f.walk(v, "message", 0)
}

func (f *fault) walk(v any, field string, depth int) {
	if depth > maxDepth {
		return
	}
	switch v := v.(type) {
	case map[string]any:
		f.object(v, depth)
	case []any:
		for _, e := range v[:min(len(v), 32)] {
			f.walk(e, field, depth+1)
		}
	case float64:
		if slices.Contains(codeFields, field) {
			f.note(&f.codes, strconv.FormatFloat(v, 'f', -1, 64))
		}
	case string:
		if inner, ok := nested(v); ok {
			f.walk(inner, field, depth+1)
			return
		}
		if slices.Contains(codeFields, field) && len(v) <= 128 {
			f.note(&f.codes, v)
		}
		if slices.Contains(messageFields, field) {
			f.note(&f.messages, v)
		}
	}
}

// object reads the fields in the order of their names, but those of the level first.
func (f *fault) object(m map[string]any, depth int) {
	fields := plainNames(m)
	names := make([]string, 0, len(fields))
	for name := range fields {
		if !slices.Contains(unreadFields, name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	deep := func(name string) bool {
		switch fields[name].(type) {
		case map[string]any, []any:
			return true
		}
		return false
	}
	slices.SortStableFunc(names, func(a, b string) int {
		switch {
		case deep(a) == deep(b):
			return 0
		case deep(b):
			return -1
		}
		return 1
	})
	for _, name := range names {
		switch name {
		case "param", "parameter", "field":
			if s, ok := fields[name].(string); ok {
				f.note(&f.params, s)
			}
		case "loc":
			if path, _ := fields[name].([]any); len(path) > 0 {
				f.note(&f.params, fmt.Sprint(path[len(path)-1]))
			}
		case "retrydelay":
			if s, ok := fields[name].(string); ok {
				f.wait = max(f.wait, parseWait(s))
			}
		default:
			f.walk(fields[name], name, depth+1)
		}
	}
}

// nested reads a text that is JSON itself: gateways pass errors on that way.
func nested(s string) (any, bool) {
	s = strings.TrimSpace(s)
	if !strings.HasPrefix(s, "{") || len(s) > maxErrorAnswer {
		return nil, false
	}
	var v map[string]any
	return v, json.Unmarshal([]byte(s), &v) == nil
}

// note keeps a text, if it has not too many already.
func (f *fault) note(list *[]string, s string) {
	if s = shortText(s, 4096); s != "" && len(*list) < 32 && !slices.Contains(*list, s) {
		*list = append(*list, s)
	}
}

// standsFor is the HTTP status that an error within a good answer would have had.
func (f fault) standsFor() int {
	for _, code := range f.codes {
		if n, err := strconv.Atoi(code); err == nil && n >= 400 && n < 600 {
			return n
		}
	}
	for _, s := range slices.Concat(f.codes, f.messages) {
		s = plainName(s)
		for _, sign := range []struct {
			in     string
			status int
		}{
			{"apikey", http.StatusUnauthorized}, {"authentication", http.StatusUnauthorized}, {"unauthorized", http.StatusUnauthorized},
			{"invalidtoken", http.StatusUnauthorized}, {"permission", http.StatusForbidden}, {"accessdenied", http.StatusForbidden},
			{"ratelimit", http.StatusTooManyRequests}, {"toomanyrequests", http.StatusTooManyRequests}, {"throttl", http.StatusTooManyRequests},
			{"notfound", http.StatusNotFound}, {"overloaded", http.StatusServiceUnavailable}, {"unavailable", http.StatusServiceUnavailable},
			{"loading", http.StatusServiceUnavailable}, {"servererror", http.StatusInternalServerError}, {"internalerror", http.StatusInternalServerError},
		} {
			if strings.Contains(s, sign.in) {
				return sign.status
			}
		}
	}
	return http.StatusBadRequest
}
