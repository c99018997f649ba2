package httpapi

import (
	"mime"
	"strconv"
	"strings"

	"github.com/creativeflow/aigen/internal/sse"
)

// format is how events are answered.
type format int

const (
	formatNone format = iota
	formatSSE
	formatJSON
)

// quality is how much a client likes a media type: by q, then by how exactly it
// named it (3 the type itself, 2 "text/*", 1 "*/*").
type quality struct {
	q     float64
	exact int
}

// negotiate chooses by Accept. Without one, or with a tie, it is the stream.
func negotiate(accept []string) format {
	stream, list := qualityOf(accept, sse.MediaType), qualityOf(accept, "application/json")
	switch {
	case stream.q == 0 && list.q == 0:
		return formatNone
	case list.q > stream.q, list.q == stream.q && list.exact > stream.exact:
		return formatJSON
	default:
		return formatSSE
	}
}

// qualityOf is the quality of the most exact range that covers media.
func qualityOf(accept []string, media string) quality {
	if len(accept) == 0 || strings.TrimSpace(strings.Join(accept, "")) == "" {
		return quality{q: 1, exact: 1}
	}
	group, _, _ := strings.Cut(media, "/")
	best := quality{}
	for part := range strings.SplitSeq(strings.Join(accept, ","), ",") {
		name, params, err := mime.ParseMediaType(part)
		if err != nil {
			continue
		}
		found := quality{q: 1, exact: map[string]int{media: 3, group + "/*": 2, "*/*": 1}[name]}
		if text, ok := params["q"]; ok {
			if found.q, err = strconv.ParseFloat(text, 64); err != nil || found.q < 0 || found.q > 1 {
				continue
			}
		}
		if found.exact > best.exact {
			best = found
		}
	}
	return best
}
