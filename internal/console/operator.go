package console

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/operations"
	"github.com/creativeflow/aigen/internal/outbox"
	"github.com/creativeflow/aigen/internal/runtimeinfo"
	"github.com/creativeflow/aigen/internal/web"
)

// Operations is what the pages for operators need of app.Operations.
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

// The paths of the pages for operators.
const (
	operatorPath            = "/operator"
	operatorSearchPath      = operatorPath + "/search"
	operatorGenerationsPath = operatorPath + "/generations"
	operatorGenerationPath  = operatorGenerationsPath + "/{id}"
	operatorFailPath        = operatorGenerationPath + "/fail"
	operatorDeliveriesPath  = operatorPath + "/deliveries"
	operatorRetryAllPath    = operatorDeliveriesPath + "/retry"
	operatorRetryPath       = operatorDeliveriesPath + "/{id}/retry"
	operatorDropPath        = operatorDeliveriesPath + "/{id}/drop"
	operatorActionsPath     = operatorPath + "/actions"
	operatorSystemPath      = operatorPath + "/system"
)

func operatorRoutes() []route {
	const get, post = http.MethodGet, http.MethodPost
	all := []route{
		{method: get, path: operatorPath, handle: (*Console).operatorOverview},
		{method: get, path: operatorSearchPath, handle: (*Console).operatorSearch},
		{method: get, path: operatorGenerationsPath, handle: (*Console).operatorGenerations},
		{method: get, path: operatorGenerationPath, handle: (*Console).operatorGeneration},
		{method: post, path: operatorFailPath, handle: (*Console).operatorFail},
		{method: get, path: operatorDeliveriesPath, handle: (*Console).operatorDeliveries},
		{method: post, path: operatorRetryAllPath, handle: (*Console).operatorRetryAll},
		{method: post, path: operatorRetryPath, handle: (*Console).operatorRetry},
		{method: post, path: operatorDropPath, handle: (*Console).operatorDrop},
		{method: get, path: operatorActionsPath, handle: (*Console).operatorActions},
		{method: get, path: operatorSystemPath, handle: (*Console).operatorSystem},
	}
	for i := range all {
		all[i].guard = web.GuardOperator
		all[i].handle = withOperations(all[i].handle)
	}
	return all
}

// withOperations: a console without them has no such pages.
func withOperations(handle func(*Console, http.ResponseWriter, *http.Request) error) func(*Console, http.ResponseWriter, *http.Request) error {
	return func(k *Console, w http.ResponseWriter, r *http.Request) error {
		if k.c.Operations == nil {
			return errNoPage
		}
		return handle(k, w, r)
	}
}

// desk is what each page for operators has around its own data.
type operatorView struct {
	Place string // which of the tabs: "overview", "generations" …
	Query string // what was searched for
	Body  any
}

// renderOperator writes a page for operators, or the part of it that a script asks for.
func (k *Console) renderOperator(w http.ResponseWriter, r *http.Request, name, part, title string, d operatorView) error {
	block := "layout"
	if part != "" && isPart(r) && r.Header.Get("HX-Target") == part {
		block = part
	}
	k.render(w, r, http.StatusOK, "operator_"+name, block, page{Title: title + " · Operator", Nav: "operator", Data: d})
	return nil
}

func operatorNote(r *http.Request) aigen.OperatorNote {
	return aigen.OperatorNote{ID: sessionOf(r.Context()).UserID, Reason: strings.TrimSpace(r.PostFormValue("reason"))}
}

// back leads to the page that a form was on, which shows how things stand now.
func (k *Console) back(w http.ResponseWriter, r *http.Request, said, otherwise string) error {
	k.setFlash(w, r, said)
	to := k.refererPath(r)
	if !strings.HasPrefix(to, operatorPath) {
		to = otherwise
	}
	redirect(w, r, to)
	return nil
}

// pathDelivery reads the id of a delivery of the path.
func pathDelivery(r *http.Request) (aigen.ID, error) {
	id, err := aigen.ParseID(r.PathValue("id"))
	if err != nil {
		return id, errNoPage
	}
	return id, nil
}

// choice reads one of a few words of the query; "" for another.
func choice[T ~string](r *http.Request, name string, words []T) T {
	text := T(r.URL.Query().Get(name))
	if slices.Contains(words, text) {
		return text
	}
	return ""
}

// queryID reads an id of the query; zero for what is none.
func queryID(r *http.Request, name string) aigen.ID {
	id, err := aigen.ParseID(strings.ToLower(strings.TrimSpace(r.URL.Query().Get(name))))
	if err != nil {
		return aigen.ID{}
	}
	return id
}

// operatorSearch leads to what an id stands for; of several, or none, it tells.
func (k *Console) operatorSearch(w http.ResponseWriter, r *http.Request) error {
	text := strings.TrimSpace(r.URL.Query().Get("q"))
	found, err := k.c.Operations.Search(r.Context(), text)
	if err != nil && aigen.CodeOf(err) != aigen.CodeInvalidInput {
		return err
	}
	if len(found) == 1 {
		redirect(w, r, pageOf(found[0]))
		return nil
	}
	return k.renderOperator(w, r, "search", "", "Search", operatorView{Query: text, Body: foundList(found)})
}

// foundRow is a match with where it is shown.
type foundRow struct {
	operations.Match

	URL string
}

func foundList(list []operations.Match) (rows []foundRow) {
	for _, m := range list {
		rows = append(rows, foundRow{m, pageOf(m)})
	}
	return rows
}

// pageOf is where a match is shown: at its place, if it is a part of a generation. A
// job and the delivery of it have one id, and a place each.
func pageOf(m operations.Match) string {
	of := operatorGenerationsPath + "/" + m.GenerationID.String()
	switch m.Kind {
	case operations.MatchUser:
		return operatorGenerationsPath + "?user=" + m.ID.String()
	case operations.MatchProject:
		return operatorGenerationsPath + "?project=" + m.ID.String()
	case operations.MatchRun:
		return of + "#id-" + m.ID.String()
	case operations.MatchDelivery:
		return of + "#delivery-" + m.ID.String()
	case operations.MatchGeneration:
	}
	return of
}
