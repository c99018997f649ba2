package wire

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strconv"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/web"
)

// Bounds of an answer that is a list. A generation may have 200 KiB, and the one who
// asked for a hundred of them may read slowly, many times at once.
const (
	maxPageBytes = 1 << 20 // after the first item
	pagePart     = 20      // items that are read from the store at a time, at first
	LargeAnswer  = 64 << 10
	LargeAnswers = 16 // of a user, at a time
)

// EnterLarge takes one of a user's places for large answers.
func EnterLarge(p *web.Places, user aigen.ID) (leave func(), err error) {
	leave, ok := p.Enter(user)
	if !ok {
		return nil, NewError(aigen.CodeRateLimited, strconv.Itoa(LargeAnswers)+" lists are on their way to you. Read one first.")
	}
	return leave, nil
}

// ListBody is a JSON object with the list "items", which is written item by item.
type ListBody struct {
	buf     bytes.Buffer
	encoder *json.Encoder
	items   int
}

// NewListBody returns a list without items.
func NewListBody() *ListBody {
	l := &ListBody{}
	l.encoder = json.NewEncoder(&l.buf)
	l.encoder.SetEscapeHTML(false)
	l.buf.WriteString(`{"items":[`)
	return l
}

// Add appends an item; false: it does not fit any more.
func (l *ListBody) Add(item any) (bool, error) {
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
func (l *ListBody) part(more int) int {
	if l.items == 0 {
		return min(more, pagePart)
	}
	return min(more, max(1, (maxPageBytes-l.buf.Len())*l.items/l.buf.Len()))
}

// End closes the list, names where to go on ("" for nowhere), and answers with it.
func (l *ListBody) End(w http.ResponseWriter, name, next string) {
	value := "null"
	if next != "" {
		value = strconv.Quote(next) // cursors and numbers: nothing to escape
	}
	l.buf.WriteString(`],"` + name + `":` + value + `}`)
	WriteBody(w, http.StatusOK, l.buf.Bytes())
}

// Page answers with up to limit generations. read gets the next ones after
// the last of those before, which is nil at first, and says whether there are more.
func (vs *Views) Page(
	w http.ResponseWriter, r *http.Request, limit int,
	read func(after *aigen.Generation, limit int) (items []*aigen.Generation, more bool, err error),
	cursor func(*aigen.Generation) string,
) error {
	body := NewListBody()
	var last *aigen.Generation
	for more := true; more && body.items < limit; {
		var items []*aigen.Generation
		var err error
		if items, more, err = read(last, body.part(limit-body.items)); err != nil {
			return err
		}
		known, err := vs.Look(r.Context(), items...)
		if err != nil {
			return err
		}
		for _, g := range items {
			view, err := vs.Generation(g, known)
			if err != nil {
				return err
			}
			fits, err := body.Add(view)
			if err != nil {
				return err
			}
			if !fits {
				body.End(w, "nextCursor", cursor(last))
				return nil
			}
			last = g
		}
		if !more {
			body.End(w, "nextCursor", "")
			return nil
		}
	}
	body.End(w, "nextCursor", cursor(last))
	return nil
}
