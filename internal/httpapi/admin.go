package httpapi

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/operations"
	"github.com/creativeflow/aigen/internal/outbox"
	"github.com/creativeflow/aigen/internal/runtimeinfo"
	"github.com/creativeflow/aigen/internal/web"
)

// Operations is what the admin API needs of app.Operations.
type Operations interface {
	ListDeliveries(ctx context.Context, q outbox.DeliveryQuery) (operations.DeliveryPage, error)
	GetDelivery(ctx context.Context, id aigen.ID) (outbox.Delivery, error)
	RetryDelivery(ctx context.Context, by aigen.OperatorNote, id aigen.ID) (outbox.Delivery, error)
	RetryDeliveries(ctx context.Context, cmd operations.RetryDeliveries) (int, error)
	DropDelivery(ctx context.Context, cmd operations.DropDelivery) (operations.Dropped, error)
	ListAllGenerations(ctx context.Context, q operations.AllQuery) (operations.AllPage, error)
	GetTimeline(ctx context.Context, id aigen.ID) (operations.Timeline, error)
	FailGeneration(ctx context.Context, cmd operations.FailGeneration) (*aigen.Generation, error)
	Search(ctx context.Context, text string) ([]operations.Match, error)
	ListActions(ctx context.Context, q operations.ActionQuery) (operations.ActionPage, error)
	GetStatistics(ctx context.Context, w operations.Window) (operations.Statistics, error)
	GetHealth(ctx context.Context) operations.Health
	GetSettings() []runtimeinfo.Setting
}

// admit lets an operator in. The role is asked of the token alone: a request from this
// very machine may have come through a proxy, for anybody.
func (a *API) admit(id web.Identity) error {
	if a.c.Operations == nil {
		return newAPIError(codeRouteNotFound, "There is nothing at this path. See /docs for what there is.")
	}
	if !slices.Contains(id.Roles, web.RoleOperator) {
		return newAPIError(codeOperatorRequired, `This is for those who run the service: the token needs the role "operator".`)
	}
	return nil
}

// operatorOf notes who asks.
func operatorOf(r *http.Request, reason string) aigen.OperatorNote {
	return aigen.OperatorNote{ID: web.IdentityOf(r.Context()).UserID, Reason: reason}
}

// pathID reads {id} of the path. What is no UUID does not exist either.
func pathID(r *http.Request, otherwise aigen.Code, words string) (aigen.ID, error) {
	id, err := aigen.ParseID(r.PathValue("id"))
	if err != nil {
		return aigen.ID{}, newAPIError(otherwise, words)
	}
	return id, nil
}

// filter reads the query of a list, whose names were checked. An empty parameter counts
// as missing.
type filter struct {
	get    func(name string) string
	faults faults
}

func newFilter(r *http.Request) *filter { return &filter{get: r.URL.Query().Get} }

func (f *filter) limit() int {
	text := f.get("limit")
	if text == "" {
		return defaultLimit
	}
	n, ok := aigen.WholeNumber(text)
	if !ok || n < 1 || n > maxLimit {
		f.faults.add("query.limit", "must be a whole number from 1 to %d", maxLimit)
		return defaultLimit
	}
	return int(n)
}

func (f *filter) id(name string) (id aigen.ID) {
	if text := f.get(name); text != "" {
		var err error
		if id, err = aigen.ParseID(text); err != nil || id.IsZero() {
			f.faults.add("query."+name, "must be a UUID")
		}
	}
	return id
}

func (f *filter) time(name string) (at time.Time) {
	if text := f.get(name); text != "" {
		var err error
		if at, err = time.Parse(time.RFC3339, text); err != nil || at.Year() < 1970 || at.Year() > 9999 {
			f.faults.add("query."+name, "must be a time as in RFC 3339, such as 2026-11-23T10:00:00Z")
		}
	}
	return at.UTC()
}

// word reads one of a few words.
func word[T ~string](f *filter, name string, words []T) T {
	text := T(f.get(name))
	if text != "" && !slices.Contains(words, text) {
		f.faults.add("query."+name, "must be one of %s", joined(words))
	}
	return text
}

func joined[T ~string](words []T) string {
	texts := make([]string, len(words))
	for i, w := range words {
		texts[i] = string(w)
	}
	return strings.Join(texts, ", ")
}

// cursorID reads a cursor that is an id.
func (f *filter) cursorID() (aigen.ID, error) {
	text := f.get("cursor")
	if text == "" {
		return aigen.ID{}, nil
	}
	id, err := aigen.ParseID(text)
	if err != nil {
		return id, badCursor()
	}
	return id, nil
}

func badCursor() error {
	return newAPIError(codeInvalidCursor, "Take the cursor from nextCursor of the page before, as it is.",
		aigen.FieldError{Location: "query.cursor", Message: "is not a cursor that this service gave out"})
}

// nextID is the cursor after a page; null on the last.
func nextID(id aigen.ID) *string {
	if id.IsZero() {
		return nil
	}
	return orNull(id.String())
}

// reasonOf reads the reason and what else a step needs.
func (a *API) reasonOf(w http.ResponseWriter, r *http.Request, needed bool, more ...string) (object, string, *faults, error) {
	read := a.readOptional
	if needed {
		read = func(w http.ResponseWriter, r *http.Request) ([]byte, error) {
			return a.readBody(w, r, a.c.MaxBody, strict)
		}
	}
	raw, err := read(w, r)
	if err != nil {
		return object{}, "", nil, err
	}
	f := new(faults)
	o := newObject("body", raw, f)
	if o.members == nil {
		return o, "", f, f.err()
	}
	o.only(append(more, "reason")...)
	if needed {
		o.need("reason")
	}
	reason, _ := o.text("reason")
	if len([]rune(reason)) > aigen.MaxReason {
		o.fault("reason", "must have at most %d characters", aigen.MaxReason)
	}
	return o, reason, f, nil
}
