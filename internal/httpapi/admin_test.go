package httpapi_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/app"
	"github.com/creativeflow/aigen/internal/httpapi"
	"github.com/creativeflow/aigen/internal/operations"
	"github.com/creativeflow/aigen/internal/outbox"
	"github.com/creativeflow/aigen/internal/runtimeinfo"
)

const admin = "/api/v1/admin/"

// withOperations gives the API its admin part, on the fixture's own service.
func withOperations(t *testing.T, changes ...func(*httpapi.Config)) *fixture {
	t.Helper()
	var f *fixture
	f = setup(t, append([]func(*httpapi.Config){func(c *httpapi.Config) {
		c.Operations = late(func() *operations.Service { return f.operations })
	}}, changes...)...)
	f.operations = operations.New(operations.Config{Service: f.svc, Policy: f.policy, Store: f.store, Log: slog.New(slog.NewJSONHandler(f.log, nil)), Runtime: runtimeinfo.Info{
		Version: "1.2.3", Began: time.Now(),
		Settings: func() []runtimeinfo.Setting {
			return []runtimeinfo.Setting{{Group: "Server", Name: "JWT_SECRET", Value: "[secret]", Source: "environment", Doc: "A secret."}}
		},
		Parts: func() []runtimeinfo.Part {
			return []runtimeinfo.Part{{Need: "database", Uses: "SQLite", Embedded: true}}
		},
		Ready: func(context.Context) []runtimeinfo.Dependency {
			return []runtimeinfo.Dependency{{Name: "database", State: runtimeinfo.StateOK, Mode: "sqlite"}}
		},
	}})
	return f
}

// operator is the header of an operator's token.
func operator(id aigen.ID) string { return "Bearer operator." + id.String() }

// ask calls the admin API as an operator.
func (f *fixture) ask(method, path string, body any) answer {
	f.t.Helper()
	return f.call(method, admin+path, body, "Authorization", operator(f.boss))
}

// late lets the API be built before the operations.
type late func() *operations.Service

func (l late) ListDeliveries(ctx context.Context, q outbox.DeliveryQuery) (operations.DeliveryPage, error) {
	return l().ListDeliveries(ctx, q)
}
func (l late) GetDelivery(ctx context.Context, id aigen.ID) (outbox.Delivery, error) {
	return l().GetDelivery(ctx, id)
}
func (l late) RetryDelivery(ctx context.Context, by aigen.OperatorNote, id aigen.ID) (outbox.Delivery, error) {
	return l().RetryDelivery(ctx, by, id)
}
func (l late) RetryDeliveries(ctx context.Context, cmd operations.RetryDeliveries) (int, error) {
	return l().RetryDeliveries(ctx, cmd)
}
func (l late) DropDelivery(ctx context.Context, cmd operations.DropDelivery) (operations.Dropped, error) {
	return l().DropDelivery(ctx, cmd)
}
func (l late) ListAllGenerations(ctx context.Context, q operations.AllQuery) (operations.AllPage, error) {
	return l().ListAllGenerations(ctx, q)
}
func (l late) GetTimeline(ctx context.Context, id aigen.ID) (operations.Timeline, error) {
	return l().GetTimeline(ctx, id)
}
func (l late) FailGeneration(ctx context.Context, cmd operations.FailGeneration) (*aigen.Generation, error) {
	return l().FailGeneration(ctx, cmd)
}
func (l late) Search(ctx context.Context, text string) ([]operations.Match, error) {
	return l().Search(ctx, text)
}
func (l late) ListActions(ctx context.Context, q operations.ActionQuery) (operations.ActionPage, error) {
	return l().ListActions(ctx, q)
}
func (l late) GetStatistics(ctx context.Context, w operations.Window) (operations.Statistics, error) {
	return l().GetStatistics(ctx, w)
}
func (l late) GetHealth(ctx context.Context) operations.Health { return l().GetHealth(ctx) }
func (l late) GetSettings() []runtimeinfo.Setting              { return l().GetSettings() }

// Every route of the admin API, by the table of routes: without a token, with a
// user's, with an operator's, and where there is none.
func TestAdminIsForOperators(t *testing.T) {
	t.Parallel()
	l := &counting{}
	f := withOperations(t, func(c *httpapi.Config) { c.Limiter = l })
	bare := setup(t)
	routes := httpapi.AdminRoutes()
	require.Len(t, routes, 13)
	for _, rt := range routes {
		require.True(t, strings.HasPrefix(rt.Path, admin), rt.Path)
		path := strings.ReplaceAll(rt.Path, "{id}", newID().String())
		name := rt.Method + " " + path
		a := f.call(rt.Method, path, nil, "Authorization", "")
		a.problem(http.StatusUnauthorized, "missing_token")
		assert.NotEmpty(t, a.Header.Get("WWW-Authenticate"), name)
		f.call(rt.Method, path, nil, "Authorization", "Bearer nonsense").problem(http.StatusUnauthorized, "invalid_token")
		f.call(rt.Method, path, nil).problem(http.StatusForbidden, "operator_required")
		f.call(rt.Method, path, nil, "Authorization", "Bearer other."+newID().String()).problem(http.StatusForbidden, "operator_required")
		before := l.n.Load()
		a = f.call(rt.Method, path, nil, "Authorization", operator(newID()))
		assert.NotContains(t, []int{http.StatusUnauthorized, http.StatusForbidden, http.StatusInternalServerError}, a.StatusCode, name)
		assert.Equal(t, before+1, l.n.Load(), "%s counts", name)
		assert.NotEmpty(t, a.Header.Get("RateLimit"), name)
		assert.Equal(t, "no-store", a.Header.Get("Cache-Control"), name)
		bare.call(rt.Method, path, nil, "Authorization", operator(newID())).problem(http.StatusNotFound, "route_not_found")
	}
}

func TestAdminDeliveries(t *testing.T) {
	t.Parallel()
	f := withOperations(t)
	id := f.create()
	job := f.job(id).String()
	f.create()
	page := f.ask(http.MethodGet, "deliveries?limit=1", nil).is(http.StatusOK).json()
	items := page["items"].([]any)
	require.Len(t, items, 1)
	first := items[0].(object)
	assert.Equal(t, job, first["id"])
	assert.Equal(t, "waiting", first["state"])
	assert.Equal(t, "jobs", first["lane"])
	assert.NotContains(t, f.ask(http.MethodGet, "deliveries", nil).is(http.StatusOK).json()["items"].([]any)[0], "payload")
	page = f.ask(http.MethodGet, "deliveries?limit=1&cursor="+page["nextCursor"].(string), nil).is(http.StatusOK).json()
	require.Len(t, page["items"], 1)
	assert.Nil(t, page["nextCursor"])
	for query, n := range map[string]int{
		"state=dead": 0, "state=waiting": 2, "state=leased": 0, "lane=jobs": 2, "lane=credits": 0, "kind=sample_generation": 2,
		"kind=notify": 0, "generationId=" + id: 1, "state=&lane=": 2,
	} {
		require.Len(t, f.ask(http.MethodGet, "deliveries?"+query, nil).is(http.StatusOK).json()["items"], n, query)
	}
	assert.ElementsMatch(t, []string{"query.limit", "query.state", "query.lane", "query.kind", "query.generationId"},
		f.ask(http.MethodGet, "deliveries?limit=0&state=x&lane=x&kind=x&generationId=x", nil).problem(http.StatusUnprocessableEntity, "invalid_input"))
	f.ask(http.MethodGet, "deliveries?cursor=x", nil).problem(http.StatusBadRequest, "invalid_cursor")

	assert.Equal(t, first, f.ask(http.MethodGet, "deliveries/"+job, nil).is(http.StatusOK).json())
	for _, path := range []string{"deliveries/" + newID().String(), "deliveries/x"} {
		f.ask(http.MethodGet, path, nil).problem(http.StatusNotFound, "delivery_not_found")
		f.ask(http.MethodPost, path+"/retry", nil).problem(http.StatusNotFound, "delivery_not_found")
		f.ask(http.MethodPost, path+"/drop", object{"reason": "why"}).problem(http.StatusNotFound, "delivery_not_found")
	}
	f.ask(http.MethodPost, "deliveries/"+job+"/retry", nil).is(http.StatusOK)
	f.ask(http.MethodPost, "deliveries/"+job+"/retry", object{"reason": "the engine is back"}).is(http.StatusOK)
	assert.Equal(t, []string{"body.why"},
		f.ask(http.MethodPost, "deliveries/"+job+"/retry", object{"why": "x"}).problem(http.StatusUnprocessableEntity, "invalid_input"))
}

func TestAdminRetryMany(t *testing.T) {
	t.Parallel()
	f := withOperations(t)
	dead := f.deadNotifications(3)
	retry := func(body any) int {
		t.Helper()
		return int(f.ask(http.MethodPost, "deliveries/retry", body).is(http.StatusOK).json()["retried"].(float64))
	}
	assert.Zero(t, retry(object{"lane": "jobs"}))
	assert.Zero(t, retry(object{"kind": "refund"}))
	assert.Equal(t, 1, retry(object{"ids": []string{dead[0].ID.String()}}))
	assert.Equal(t, 1, retry(object{"generationId": dead[1].GenerationID.String(), "reason": "back"}))
	assert.Equal(t, 1, retry(nil), "all that are dead")
	assert.Zero(t, retry(object{}))
	assert.ElementsMatch(t, []string{"body.ids", "body.lane", "body.kind", "body.generationId", "body.reason", "body.x"},
		f.ask(http.MethodPost, "deliveries/retry", object{
			"ids": []string{}, "lane": "x", "kind": "x", "generationId": "x", "reason": strings.Repeat("x", 501), "x": 1,
		}).problem(http.StatusUnprocessableEntity, "invalid_input"))
	f.ask(http.MethodPost, "deliveries/retry", "[1").problem(http.StatusBadRequest, "malformed_json")
}

// deadNotifications makes n notifications dead, each of another generation.
func (f *fixture) deadNotifications(n int) []outbox.Delivery {
	f.t.Helper()
	for range n {
		f.awaiting()
	}
	now := time.Now()
	ds, err := f.store.ClaimDeliveries(f.t.Context(), outbox.Claim{Queue: outbox.QueueNotifications, Owner: "x", Limit: n, Now: now, Until: now.Add(time.Minute)})
	require.NoError(f.t, err)
	require.Len(f.t, ds, n)
	var results []outbox.DeliveryResult
	for _, d := range ds {
		results = append(results, outbox.DeliveryResult{ID: d.ID, Disposition: outbox.DispositionDead, Error: "status 404"})
	}
	require.NoError(f.t, f.store.FinishDeliveries(f.t.Context(), "x", results))
	return ds
}

func TestAdminDrop(t *testing.T) {
	t.Parallel()
	f := withOperations(t)
	id := f.create()
	job := f.job(id).String()
	f.ask(http.MethodPost, "deliveries/"+job+"/drop", nil).problem(http.StatusUnsupportedMediaType, "unsupported_media_type")
	for _, body := range []object{{}, {"reason": "  "}, {"reason": 1}, {"reason": strings.Repeat("x", 501)}} {
		assert.Equal(t, []string{"body.reason"}, f.ask(http.MethodPost, "deliveries/"+job+"/drop", body).problem(http.StatusUnprocessableEntity, "invalid_input"))
	}
	dropped := f.ask(http.MethodPost, "deliveries/"+job+"/drop", object{"reason": "the engine is gone"}).is(http.StatusOK).json()
	assert.Contains(t, dropped["decided"], "failed")
	g := f.call(http.MethodGet, base+"/"+id, nil).is(http.StatusOK).json()
	assert.Equal(t, "Failed", g["status"])
	assert.Equal(t, "failed_by_operator", g["error"].(object)["code"])
	f.ask(http.MethodPost, "deliveries/"+job+"/drop", object{"reason": "again"}).problem(http.StatusNotFound, "delivery_not_found")

	// A decision about credits is there only with a remote credit service.
	d := f.creditDelivery()
	f.ask(http.MethodPost, "deliveries/"+d+"/drop", object{"reason": "why"}).problem(http.StatusConflict, "force_required")
	f.ask(http.MethodPost, "deliveries/"+d+"/drop", object{"reason": "why", "force": true}).is(http.StatusOK)

	actions := f.ask(http.MethodGet, "actions?limit=2", nil).is(http.StatusOK).json()
	require.Len(t, actions["items"], 2)
	assert.Equal(t, "drop", actions["items"].([]any)[0].(object)["kind"])
	assert.Equal(t, f.boss.String(), actions["items"].([]any)[0].(object)["operatorId"])
	rest := f.ask(http.MethodGet, "actions?cursor="+actions["nextCursor"].(string), nil).is(http.StatusOK).json()
	require.Len(t, rest["items"], 1)
	f.ask(http.MethodGet, "actions?cursor=x", nil).problem(http.StatusBadRequest, "invalid_cursor")
	require.Len(t, f.ask(http.MethodGet, "actions?generationId="+id, nil).is(http.StatusOK).json()["items"], 2)
	assert.Contains(t, f.auditLog(), `"delivery_id":"`+job+`"`)
}

// creditDelivery writes a refund as a time with a remote credit service leaves it.
func (f *fixture) creditDelivery() string {
	f.t.Helper()
	id, err := aigen.ParseID(f.create())
	require.NoError(f.t, err)
	g, err := f.store.Get(f.t.Context(), id)
	require.NoError(f.t, err)
	d := outbox.Delivery{
		ID: newID(), Kind: outbox.DeliverRefund, UserID: g.UserID, GenerationID: g.ID, RunID: g.Runs[0].ID,
		Payload: []byte(`{"amount":"0.50"}`), CreatedAt: time.Now(),
	}
	require.NoError(f.t, f.store.Apply(f.t.Context(), []*app.Change{{Generation: g, From: g.Version, Deliveries: []outbox.Delivery{d}}})[0])
	return d.ID.String()
}

func TestAdminFail(t *testing.T) {
	t.Parallel()
	f := withOperations(t)
	id := f.create()
	f.ask(http.MethodPost, "generations/"+newID().String()+"/fail", object{"reason": "why"}).problem(http.StatusNotFound, "not_found")
	f.ask(http.MethodPost, "generations/x/fail", object{"reason": "why"}).problem(http.StatusNotFound, "not_found")
	assert.Equal(t, []string{"body.reason"}, f.ask(http.MethodPost, "generations/"+id+"/fail", object{}).problem(http.StatusUnprocessableEntity, "invalid_input"))
	const why = "the GPU of rack seven"
	g := f.ask(http.MethodPost, "generations/"+id+"/fail", object{"reason": why}).is(http.StatusOK).json()
	assert.Equal(t, "Failed", g["status"])
	assert.Equal(t, object{"reserved": "0.50", "deducted": "0.00", "refunded": "0.50"}, g["credits"])
	f.ask(http.MethodPost, "generations/"+id+"/fail", object{"reason": why}).problem(http.StatusConflict, "invalid_state")

	// The operator sees who it was and why; the user, nowhere.
	story := f.ask(http.MethodGet, "generations/"+id, nil).is(http.StatusOK)
	assert.Contains(t, string(story.body), why)
	assert.Contains(t, string(story.body), f.boss.String())
	for _, path := range []string{base + "/" + id, base + "/" + id + "/events", base} {
		for _, accept := range []string{jsonType, "text/event-stream"} {
			a := f.call(http.MethodGet, path, nil, "Accept", accept)
			require.Less(t, a.StatusCode, 300)
			assert.Contains(t, string(a.body), "failed_by_operator")
			assert.NotContains(t, string(a.body), why, path)
			assert.NotContains(t, string(a.body), f.boss.String(), path)
		}
	}
	assert.Contains(t, f.auditLog(), why)
}

// auditLog is what operators' steps wrote to the log.
func (f *fixture) auditLog() (lines string) {
	for line := range strings.Lines(f.log.String()) {
		if strings.Contains(line, `"msg":"operator"`) {
			lines += line
		}
	}
	return lines
}

func TestAdminGenerations(t *testing.T) {
	t.Parallel()
	f := withOperations(t)
	first := f.create()
	f.user = newID()
	second := f.completed()
	page := f.ask(http.MethodGet, "generations?limit=1", nil).is(http.StatusOK).json()
	assert.Equal(t, second, page["items"].([]any)[0].(object)["id"])
	page = f.ask(http.MethodGet, "generations?limit=1&cursor="+page["nextCursor"].(string), nil).is(http.StatusOK).json()
	assert.Equal(t, first, page["items"].([]any)[0].(object)["id"])
	assert.Nil(t, page["nextCursor"])
	later := time.Now().Add(time.Hour).UTC().Format(time.RFC3339)
	for query, n := range map[string]int{
		"status=Completed": 1, "status=ProcessingSamples": 1, "status=Failed": 0, "userId=" + f.user.String(): 1,
		"from=" + later: 0, "to=" + later: 2, "projectId=" + newID().String(): 0,
	} {
		require.Len(t, f.ask(http.MethodGet, "generations?"+query, nil).is(http.StatusOK).json()["items"], n, query)
	}
	assert.ElementsMatch(t, []string{"query.limit", "query.status", "query.userId", "query.projectId", "query.from", "query.to"},
		f.ask(http.MethodGet, "generations?limit=101&status=x&userId=x&projectId=x&from=yesterday&to=0001-01-01T00:00:00Z", nil).problem(http.StatusUnprocessableEntity, "invalid_input"))
	assert.Equal(t, []string{"query.from"}, f.ask(http.MethodGet, "generations?from="+later+"&to="+later, nil).problem(http.StatusUnprocessableEntity, "invalid_input"))
	f.ask(http.MethodGet, "generations?cursor=x", nil).problem(http.StatusBadRequest, "invalid_cursor")

	found := f.ask(http.MethodGet, "search?q=job+"+f.job(first).String(), nil).is(http.StatusOK).json()
	assert.Equal(t, first, found["items"].([]any)[0].(object)["generationId"])
	assert.Empty(t, f.ask(http.MethodGet, "search?q="+newID().String(), nil).is(http.StatusOK).json()["items"])
	assert.Equal(t, []string{"query.q"}, f.ask(http.MethodGet, "search?q=fox", nil).problem(http.StatusUnprocessableEntity, "invalid_input"))
	f.ask(http.MethodGet, "generations/"+newID().String(), nil).problem(http.StatusNotFound, "not_found")
}

// What the admin API answers is what the document says.
func TestAdminAnswersAreAsDocumented(t *testing.T) {
	t.Parallel()
	f := withOperations(t)
	var doc struct {
		Components struct {
			Schemas map[string]map[string]any `json:"schemas"`
		} `json:"components"`
	}
	require.NoError(t, json.Unmarshal(f.api.OpenAPI(), &doc))
	check := func(schema string, a answer) {
		t.Helper()
		conform(t, doc.Components.Schemas, doc.Components.Schemas[schema], a.is(http.StatusOK).json(), schema)
	}
	id := f.completed()
	f.deadNotifications(2)
	failed := f.create()
	job := f.job(failed).String()
	check("AdminDeliveryPage", f.ask(http.MethodGet, "deliveries", nil))
	check("AdminDelivery", f.ask(http.MethodGet, "deliveries/"+job, nil))
	check("AdminDelivery", f.ask(http.MethodPost, "deliveries/"+job+"/retry", nil))
	check("AdminRetried", f.ask(http.MethodPost, "deliveries/retry", object{"lane": "credits"}))
	check("AdminDropped", f.ask(http.MethodPost, "deliveries/"+job+"/drop", object{"reason": "why"}))
	check("Page", f.ask(http.MethodGet, "generations", nil))
	check("AdminStory", f.ask(http.MethodGet, "generations/"+id, nil))
	check("AdminStory", f.ask(http.MethodGet, "generations/"+failed, nil))
	check("AdminMatches", f.ask(http.MethodGet, "search?q="+id+"+"+f.user.String(), nil))
	check("AdminActionPage", f.ask(http.MethodGet, "actions", nil))
	for _, window := range []string{"", "1h", "6h", "24h", "7d"} {
		check("AdminStatistics", f.ask(http.MethodGet, "statistics?window="+window, nil))
	}
	f.ask(http.MethodGet, "statistics?window=1y", nil).problem(http.StatusUnprocessableEntity, "invalid_input")
	check("AdminHealth", f.ask(http.MethodGet, "health", nil))
	check("AdminSettings", f.ask(http.MethodGet, "settings", nil))

	st := f.ask(http.MethodGet, "statistics", nil).json()
	assert.EqualValues(t, 2, st["dead"].([]any)[0].(object)["count"])
	assert.InDelta(t, 1, st["generations"].(object)["Completed"], 0)
	assert.Len(t, st["activity"], 60)
	assert.Contains(t, string(f.ask(http.MethodGet, "settings", nil).body), "[secret]")
}
