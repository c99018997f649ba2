package console

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/app"
)

// cardsMost is how many cards one request may ask for; a longer list asks several times.
const cardsMost = 100

// cards brings a list up to date in one request, however many it shows. The query has
//
//	have=ID.VERSION  a card of the list: sent again if it has changed
//	want=ID          one that the list does not show: sent if it belongs there
//	since=CURSOR     the newest of the list: all that are newer are sent; "0": the list is empty
//
// and the list's filter.
func (k *Console) cards(w http.ResponseWriter, r *http.Request) error {
	s, q := sessionOf(r.Context()), r.URL.Query()
	have, want := q["have"], q["want"]
	if len(have)+len(want) > cardsMost {
		return &fault{code: codeBadForm}
	}
	filter := filterOf(q)
	list := cardList{k: k, r: r, user: s.UserID, seen: map[aigen.ID]bool{}}
	if text := q.Get("since"); text != "" {
		since, _ := cursorOf(text)
		if err := list.addNewer(filter.query(s), since); err != nil {
			return err
		}
	}
	for _, text := range have {
		id, version, _ := strings.Cut(text, ".")
		err := list.add(id, func(g *aigen.Generation) bool { return strconv.FormatInt(g.Version, 10) != version })
		if err != nil {
			return err
		}
	}
	for _, id := range want {
		if err := list.add(id, filter.holds); err != nil {
			return err
		}
	}
	if len(list.items) == 0 {
		w.WriteHeader(http.StatusNoContent)
		return nil
	}
	k.render(w, r, http.StatusOK, "history", "cards", page{Data: historyData{Items: list.items}})
	return nil
}

// holds reports whether g belongs into the list.
func (f historyFilter) holds(g *aigen.Generation) bool {
	return (f.Status == "" || f.Status == g.Status) && (f.Project.IsZero() || f.Project == g.ProjectID)
}

// cardList collects cards, each once.
type cardList struct {
	k     *Console
	r     *http.Request
	user  aigen.ID
	seen  map[aigen.ID]bool
	items []generationView
}

func (l *cardList) addNewer(q app.ListQuery, since app.Cursor) error {
	found, err := l.k.c.Service.ListGenerations(l.r.Context(), q)
	if err != nil {
		return err
	}
	for _, g := range found.Items {
		if !since.ID.IsZero() && !before(since, cursorAt(g)) {
			break
		}
		l.seen[g.ID] = true
		l.items = append(l.items, l.k.viewOf(g))
	}
	return nil
}

// add takes the generation if it is the user's and the condition holds.
func (l *cardList) add(text string, condition func(*aigen.Generation) bool) error {
	id, err := aigen.ParseID(text)
	if err != nil || l.seen[id] {
		return nil //nolint:nilerr // what is no id is no generation either
	}
	l.seen[id] = true
	g, err := l.k.c.Service.GetGeneration(l.r.Context(), l.user, id)
	switch {
	case aigen.CodeOf(err) == aigen.CodeNotFound:
		return nil
	case err != nil:
		return err
	case condition(g):
		l.items = append(l.items, l.k.viewOf(g))
	}
	return nil
}
