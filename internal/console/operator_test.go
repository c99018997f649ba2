package console

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/app"
	"github.com/creativeflow/aigen/internal/operations"
	"github.com/creativeflow/aigen/internal/outbox"
	"github.com/creativeflow/aigen/internal/runtimeinfo"
	"github.com/creativeflow/aigen/internal/web"
)

// fakeOperations remembers what it is asked to do, and has one generation.
type fakeOperations struct {
	Operations

	generation *aigen.Generation
	did        []string
	by         aigen.OperatorNote
}

func (o *fakeOperations) ListDeliveries(context.Context, outbox.DeliveryQuery) (operations.DeliveryPage, error) {
	return operations.DeliveryPage{Items: []outbox.Delivery{{
		ID: aigen.ID{1}, GenerationID: o.generation.ID, Kind: outbox.DeliverRefund, State: outbox.DeliveryDead, LastError: "<b>no account</b>",
	}}}, nil
}

func (o *fakeOperations) RetryDelivery(_ context.Context, by aigen.OperatorNote, _ aigen.ID) (outbox.Delivery, error) {
	o.did, o.by = append(o.did, "retry"), by
	return outbox.Delivery{}, nil
}

func (o *fakeOperations) RetryDeliveries(_ context.Context, cmd operations.RetryDeliveries) (int, error) {
	o.did, o.by = append(o.did, "retry all "+string(cmd.Dead.Kind)), cmd.By
	return 1, nil
}

func (o *fakeOperations) DropDelivery(_ context.Context, cmd operations.DropDelivery) (operations.Dropped, error) {
	if !cmd.Force {
		return operations.Dropped{}, &aigen.Error{Code: aigen.CodeForceRequired, Message: "no"}
	}
	o.did, o.by = append(o.did, "drop"), cmd.By
	return operations.Dropped{}, nil
}

func (o *fakeOperations) ListAllGenerations(context.Context, operations.AllQuery) (operations.AllPage, error) {
	return operations.AllPage{Items: []*aigen.Generation{o.generation}, Next: o.generation.ID}, nil
}

func (o *fakeOperations) GetTimeline(_ context.Context, id aigen.ID) (operations.Timeline, error) {
	if id != o.generation.ID {
		return operations.Timeline{}, &aigen.Error{Code: aigen.CodeNotFound, Message: "no"}
	}
	return operations.Timeline{Generation: o.generation}, nil
}

func (o *fakeOperations) FailGeneration(_ context.Context, cmd operations.FailGeneration) (*aigen.Generation, error) {
	o.did, o.by = append(o.did, "fail"), cmd.By
	return o.generation, nil
}

func (o *fakeOperations) Search(_ context.Context, text string) ([]operations.Match, error) {
	switch text {
	case "one":
		return []operations.Match{{Kind: operations.MatchDelivery, ID: aigen.ID{1}, GenerationID: o.generation.ID}}, nil
	case "two":
		return []operations.Match{{Kind: operations.MatchUser, ID: aigen.ID{2}}, {Kind: operations.MatchRun, ID: aigen.ID{3}, GenerationID: o.generation.ID}}, nil
	}
	return nil, nil
}

func (o *fakeOperations) ListActions(context.Context, operations.ActionQuery) (operations.ActionPage, error) {
	return operations.ActionPage{Items: []app.OperatorAction{{ID: 3, Kind: app.ActionDrop, OperatorID: o.by.ID, Reason: "why"}}, Next: 3}, nil
}

func (o *fakeOperations) GetStatistics(_ context.Context, w operations.Window) (operations.Statistics, error) {
	st := operations.Statistics{At: time.Now(), Window: w, Generations: map[aigen.Status]int64{aigen.StatusFailed: 7}}
	for _, lane := range outbox.Queues() {
		st.Outbox = append(st.Outbox, outbox.QueueStats{Queue: lane, Dead: 1})
	}
	return st, nil
}

func (*fakeOperations) GetHealth(context.Context) operations.Health {
	return operations.Health{State: runtimeinfo.StateDegraded, Dependencies: []runtimeinfo.Dependency{{Name: "engine", Mode: "rabbitmq", State: runtimeinfo.StateDegraded, Detail: "cannot be reached"}}}
}

func (*fakeOperations) GetSettings() []runtimeinfo.Setting {
	return []runtimeinfo.Setting{{Group: "Server", Name: "A", Value: "[secret]"}, {Group: "Server", Name: "B"}, {Group: "Log", Name: "C"}}
}

// people knows two tokens.
type people struct{}

func (people) Authenticate(_ context.Context, token string) (web.Identity, error) {
	id := web.Identity{UserID: aigen.ID{9}}
	if token == "boss" {
		id.Roles = []string{web.RoleOperator}
	}
	return id, nil
}

type quietService struct{ Service }

func (quietService) GetCredits(context.Context, aigen.ID) (app.Balance, error) {
	return app.Balance{}, nil
}

// desks is a server with the pages for operators.
func desks(t *testing.T, o Operations) *http.ServeMux {
	t.Helper()
	k, err := New(Config{Service: quietService{}, Authenticator: people{}, Operations: o})
	require.NoError(t, err)
	mux := http.NewServeMux()
	for _, p := range k.Pages() {
		path := p.Path
		if path == "/" {
			path = "/{$}"
		}
		mux.Handle(p.Method+" "+path, p.Handler)
	}
	return mux
}

func ask(t *testing.T, mux http.Handler, token, method, path string, form url.Values) *httptest.ResponseRecorder {
	t.Helper()
	if form != nil {
		form.Set(formField, session{secret: []byte(token)}.FormToken())
	}
	r := httptest.NewRequestWithContext(t.Context(), method, "http://localhost"+path, strings.NewReader(form.Encode()))
	r.AddCookie(&http.Cookie{Name: "aigen", Value: token})
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Referer", "http://localhost/operator/deliveries?state=dead")
	}
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, r)
	return w
}

func newOperations() *fakeOperations {
	return &fakeOperations{generation: &aigen.Generation{ID: aigen.ID{7}, Status: aigen.StatusAwaitingSelection, Input: aigen.Input{Prompt: "<script>a fox"}}}
}

// Every route of these pages: for a user, and where there are no operations, it is not
// there; without the form's token nothing is done.
func TestOperatorPagesAreForOperators(t *testing.T) {
	t.Parallel()
	o := newOperations()
	mux, bare := desks(t, o), desks(t, nil)
	require.Len(t, operatorRoutes(), 11)
	for _, rt := range operatorRoutes() {
		require.True(t, strings.HasPrefix(rt.path, operatorPath))
		path := strings.ReplaceAll(rt.path, "{id}", o.generation.ID.String())
		assert.Equal(t, http.StatusNotFound, ask(t, mux, "user", rt.method, path, url.Values{}).Code, path)
		assert.Equal(t, http.StatusNotFound, ask(t, bare, "boss", rt.method, path, url.Values{}).Code, path)
		if rt.method == http.MethodGet {
			w := ask(t, mux, "boss", rt.method, path, nil)
			assert.Equal(t, http.StatusOK, w.Code, path)
			assert.NotContains(t, w.Body.String(), "<script>a fox", path)
			assert.NotContains(t, w.Body.String(), "<b>no account", path)
			assert.NotContains(t, w.Body.String(), "style=", "the policy allows none: "+path)
			continue
		}
		assert.Equal(t, http.StatusForbidden, ask(t, mux, "boss", rt.method, path, nil).Code, "%s without the token of a form", path)
	}
	assert.Empty(t, o.did)
}

func TestOperatorSteps(t *testing.T) {
	t.Parallel()
	o := newOperations()
	mux := desks(t, o)
	id := o.generation.ID.String()
	for _, tt := range []struct {
		path string
		form url.Values
		did  string
		to   string
	}{
		{"/operator/deliveries/" + id + "/retry", url.Values{}, "retry", "/operator/deliveries?state=dead"},
		{"/operator/deliveries/retry", url.Values{"kind": {"refund"}}, "retry all refund", "/operator/deliveries?state=dead"},
		{"/operator/deliveries/" + id + "/drop", url.Values{"reason": {" gone "}, "force": {"yes"}}, "drop", "/operator/deliveries?state=dead"},
		{"/operator/generations/" + id + "/fail", url.Values{"reason": {" gone "}}, "fail", "/operator/generations/" + id},
	} {
		w := ask(t, mux, "boss", http.MethodPost, tt.path, tt.form)
		assert.Equal(t, http.StatusSeeOther, w.Code, tt.path)
		assert.Equal(t, tt.to, w.Header().Get("Location"), tt.path)
		assert.Equal(t, tt.did, o.did[len(o.did)-1])
		assert.Equal(t, aigen.ID{9}, o.by.ID)
		assert.Equal(t, strings.TrimSpace(tt.form.Get("reason")), o.by.Reason)
	}
	w := ask(t, mux, "boss", http.MethodPost, "/operator/deliveries/"+id+"/drop", url.Values{"reason": {"gone"}})
	assert.Equal(t, http.StatusConflict, w.Code)
	assert.Contains(t, w.Body.String(), "Confirmation required")
}

func TestOperatorSearch(t *testing.T) {
	t.Parallel()
	o := newOperations()
	mux := desks(t, o)
	of := "/operator/generations/" + o.generation.ID.String()
	w := ask(t, mux, "boss", http.MethodGet, "/operator/search?q=one", nil)
	assert.Equal(t, http.StatusSeeOther, w.Code)
	assert.Equal(t, of+"#delivery-"+aigen.ID{1}.String(), w.Header().Get("Location"))
	w = ask(t, mux, "boss", http.MethodGet, "/operator/search?q=two", nil)
	assert.Contains(t, w.Body.String(), "/operator/generations?user="+aigen.ID{2}.String())
	assert.Contains(t, w.Body.String(), of+"#id-"+aigen.ID{3}.String())
	w = ask(t, mux, "boss", http.MethodGet, "/operator/search?q=<i>three", nil)
	assert.Contains(t, w.Body.String(), "Nothing found")
	assert.NotContains(t, w.Body.String(), "<i>three")
}

func TestOverviewSaysWhatNeedsALook(t *testing.T) {
	t.Parallel()
	now := time.Now()
	st := operations.Statistics{At: now, Window: operations.Windows()[0]}
	for _, lane := range outbox.Queues() {
		st.Outbox = append(st.Outbox, outbox.QueueStats{Queue: lane})
	}
	assert.Empty(t, newOverview(st).Concerns)
	st.Outbox[0] = outbox.QueueStats{Queue: outbox.QueueJobs, Depth: 4, Oldest: now.Add(-3 * time.Minute), Dead: 2}
	st.Activity = []operations.Activity{{From: now, Events: map[aigen.EventType]int64{aigen.EventFailed: 3, aigen.EventCompleted: 7}}}
	o := newOverview(st)
	require.Len(t, o.Concerns, 3)
	assert.Contains(t, o.Concerns[0].Text, "2 deliveries were given up.")
	assert.Contains(t, o.Concerns[1].Text, "waited for 3 min")
	assert.Contains(t, o.Concerns[2].Text, "30% of the generations that completed or failed in the last hour failed.")
	assert.Equal(t, "bad", o.Tiles[3].Kind)
}
