package worker

import (
	"cmp"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/creativeflow/aigen"
)

// imageRequest is the body of POST /images/generations.
type imageRequest struct {
	Model          string `json:"model,omitempty"`
	Prompt         string `json:"prompt"`
	N              int    `json:"n,omitempty"`
	Size           string `json:"size,omitempty"`
	ResponseFormat string `json:"response_format,omitempty"`
}

// form is what a server has taught about its parameters: the name of a model or of a
// deployment does not tell which of them it takes.
type form struct {
	without map[string]bool // parameters that it refuses
	sizes   []listedSize    // those that it takes; none: not known
}

// listedSize is a size as the server writes it: with x, or with *.
type listedSize struct {
	aigen.Resolution
	text string
}

// clone is for a change that others must not see yet.
func (f form) clone() form {
	c := form{without: map[string]bool{}, sizes: f.sizes}
	for name := range f.without {
		c.without[name] = true
	}
	return c
}

// request is what to send for a picture of size res.
func (f form) request(model, prompt string, res aigen.Resolution) imageRequest {
	r := imageRequest{Prompt: prompt, Model: model}
	if !f.without["n"] {
		r.N = 1
	}
	if !f.without["response_format"] {
		r.ResponseFormat = responseFormat(model)
	}
	switch {
	case f.without["size"]:
	case len(f.sizes) > 0:
		r.Size = f.leastCropped(res)
	default:
		r.Size = requestSize(model, res).String()
	}
	return r
}

func (f form) leastCropped(res aigen.Resolution) string {
	sizes := make([]aigen.Resolution, len(f.sizes))
	for i, s := range f.sizes {
		sizes[i] = s.Resolution
	}
	best := leastCropped(sizes, res)
	return f.sizes[slices.Index(sizes, best)].text
}

// adapt changes the form so that it does without what the server refused of r. It reports
// false if the refusal names nothing that can be left out.
func (f *form) adapt(refusal fault, prompt string, r imageRequest) bool {
	switch refusal.status {
	case http.StatusBadRequest, http.StatusUnprocessableEntity, http.StatusInternalServerError, http.StatusNotImplemented:
	default:
		return false
	}
	name := refusal.refusedParameter(prompt, r)
	if name == "" {
		return false
	}
	if name == "size" && len(f.sizes) == 0 {
		if f.sizes = refusal.listedSizes(prompt, r.Size); len(f.sizes) > 0 {
			return true
		}
	}
	f.without[name] = true
	return true
}

// The parameters that can be left out, and the words that servers name them by. Quoted, a
// name is no ordinary word.
var (
	quotedName = regexp.MustCompile("(?i)[`'\"“](?:body\\.)?(response_format|size|n)[`'\"”]")
	plainWords = map[string]*regexp.Regexp{
		"response_format": regexp.MustCompile(`(?i)\bresponse[_ ]?format\b`),
		"size":            regexp.MustCompile(`(?i)\b(size|width|height|dimensions?|resolution|aspect.ratio)\b`),
		"n":               regexp.MustCompile(`(?:^|\s)n (?:must|should|is|has|greater|>)|(?i:number of images)`),
	}
	refusing = regexp.MustCompile(`(?i)unknown|unsupported|not support|unrecogni[sz]ed|unexpected|unpermitted|not permitted|not allowed|invalid|not valid|must be|should be|extra |at least|at most|too (small|large|big)|minimum|maximum|expected|does not exist|one of`)
)

// refusedParameter is the name of what the server did not like of r, "" if it does not
// say, or if that cannot be left out.
func (f fault) refusedParameter(prompt string, r imageRequest) string {
	sent := map[string]bool{"response_format": r.ResponseFormat != "", "size": r.Size != "", "n": r.N != 0}
	for _, p := range f.params {
		p = strings.TrimPrefix(strings.ToLower(p), "body.")
		if p == "width" || p == "height" || p == "resolution" || p == "aspect_ratio" {
			p = "size"
		}
		if sent[p] {
			return p
		}
	}
	if len(f.params) > 0 && f.status != http.StatusInternalServerError && !slices.Contains(f.params, "body") {
		return "" // it names another
	}
	messages := make([]string, 0, len(f.messages))
	for _, m := range f.messages {
		messages = append(messages, strings.ReplaceAll(m, prompt, ""))
	}
	for _, m := range messages {
		if found := quotedName.FindStringSubmatch(m); found != nil && sent[strings.ToLower(found[1])] {
			return strings.ToLower(found[1])
		}
	}
	for _, name := range []string{"response_format", "size", "n"} {
		for _, m := range messages {
			if sent[name] && plainWords[name].MatchString(m) && refusing.MatchString(m) &&
				(f.status < http.StatusInternalServerError || name == "response_format") {
				return name
			}
		}
	}
	return ""
}

var sizeText = regexp.MustCompile(`(\d{2,5})\s*([x×*])\s*(\d{2,5})`)

// listedSizes are the sizes that a refusal lists, but not the one that it refuses. Those
// that are nearest to what models make come first, since they win where equals do.
func (f fault) listedSizes(prompt, refused string) (sizes []listedSize) {
	for _, m := range f.messages {
		for _, found := range sizeText.FindAllStringSubmatch(strings.ReplaceAll(m, prompt, ""), -1) {
			w, _ := strconv.Atoi(found[1])
			h, _ := strconv.Atoi(found[3])
			mark := found[2]
			if mark == "×" {
				mark = "x"
			}
			s := listedSize{aigen.Resolution{Width: w, Height: h}, found[1] + mark + found[3]}
			known := slices.ContainsFunc(sizes, func(o listedSize) bool { return o.Resolution == s.Resolution })
			if s.String() == refused || known || min(w, h) < 1 || max(w, h) > maxPictureSide {
				continue
			}
			sizes = append(sizes, s)
		}
	}
	far := func(s listedSize) int {
		d := s.Width*s.Height - requestSide*requestSide
		return max(d, -d)
	}
	slices.SortStableFunc(sizes, func(a, b listedSize) int { return cmp.Compare(far(a), far(b)) })
	return sizes
}

// forms keeps what was learned, for the life of the process.
type forms struct {
	mu    sync.Mutex
	known form
}

func (f *forms) now() form {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.known.clone()
}

// learn keeps a form that a picture came of. Of two that learned different things at the
// same time, both are kept.
func (f *forms) learn(good form) {
	f.mu.Lock()
	defer f.mu.Unlock()
	known := f.known.clone()
	for name := range good.without {
		known.without[name] = true
	}
	if len(good.sizes) > 0 {
		known.sizes = good.sizes
	}
	f.known = known
}
