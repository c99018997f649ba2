package httpapi

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strconv"

	"github.com/creativeflow/aigen"
)

// Bounds of an answer that is a list. A generation may have 200 KiB, and the one who
// asked for a hundred of them may read slowly, many times at once.
const (
	maxPageBytes = 1 << 20 // after the first item
	pagePart     = 20      // items that are read from the store at a time, at first
	largeAnswer  = 64 << 10
	largeAnswers = 16 // of a user, at a time
)

// listBody is a JSON object with the list "items", which is written item by item.
type listBody struct {
	buf     bytes.Buffer
	encoder *json.Encoder
	items   int
}

func newListBody() *listBody {
	l := &listBody{}
	l.encoder = json.NewEncoder(&l.buf)
	l.encoder.SetEscapeHTML(false)
	l.buf.WriteString(`{"items":[`)
	return l
}

// add appends an item; false: it does not fit any more.
func (l *listBody) add(item any) (bool, error) {
	before := l.buf.Len()
	if l.items > 0 {
		l.buf.WriteByte(',')
	}
	if err := l.encoder.Encode(item); err != nil {
		return false, err
	}
	l.buf.Truncate(l.buf.Len() - 1) // its line feed
	if l.items > 0 && l.buf.Len() > maxPageBytes {
		l.buf.Truncate(before)
		return false, nil
	}
	l.items++
	return true, nil
}

// part is how many of these more items to read next: as many as probably fit.
func (l *listBody) part(more int) int {
	if l.items == 0 {
		return min(more, pagePart)
	}
	return min(more, max(1, (maxPageBytes-l.buf.Len())*l.items/l.buf.Len()))
}

// end closes the list, names where to go on ("" for nowhere), and answers with it.
func (l *listBody) end(w http.ResponseWriter, name, next string) {
	value := "null"
	if next != "" {
		value = strconv.Quote(next) // cursors and numbers: nothing to escape
	}
	l.buf.WriteString(`],"` + name + `":` + value + `}`)
	writeBody(w, http.StatusOK, l.buf.Bytes())
}

// generationPage answers with up to limit generations. read gets the next ones after
// the last of those before, which is nil at first, and says whether there are more.
func (a *API) generationPage(
	r *http.Request, w http.ResponseWriter, limit int,
	read func(after *aigen.Generation, limit int) (items []*aigen.Generation, more bool, err error),
	cursor func(*aigen.Generation) string,
) error {
	body := newListBody()
	var last *aigen.Generation
	for more := true; more && body.items < limit; {
		var items []*aigen.Generation
		var err error
		if items, more, err = read(last, body.part(limit-body.items)); err != nil {
			return err
		}
		known, err := a.facts(r.Context(), items...)
		if err != nil {
			return err
		}
		for _, g := range items {
			view, err := a.viewGeneration(g, known)
			if err != nil {
				return err
			}
			fits, err := body.add(view)
			if err != nil {
				return err
			}
			if !fits {
				body.end(w, "nextCursor", cursor(last))
				return nil
			}
			last = g
		}
		if !more {
			body.end(w, "nextCursor", "")
			return nil
		}
	}
	body.end(w, "nextCursor", cursor(last))
	return nil
}
