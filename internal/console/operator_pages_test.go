package console

import (
	"context"
	"net/http"
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
)

// busyOperations are operations with actions and settings of a test.
type busyOperations struct {
	*fakeOperations

	actions  []app.OperatorAction
	settings []runtimeinfo.Setting
}

func (o busyOperations) ListActions(context.Context, operations.ActionQuery) (operations.ActionPage, error) {
	return operations.ActionPage{Items: o.actions}, nil
}

func (o busyOperations) GetSettings() []runtimeinfo.Setting { return o.settings }

// "Retry all" of thirty deliveries is one row, with the other generations beneath it.
func TestActionsAlikeAreOneRow(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 12, 1, 10, 0, 0, 0, time.UTC)
	var list []app.OperatorAction
	for i := range 30 {
		list = append(list, app.OperatorAction{
			ID: int64(100 - i), At: at.Add(-time.Duration(i) * time.Millisecond), OperatorID: aigen.ID{9}, Kind: app.ActionRetry,
			DeliveryKind: outbox.DeliverNotify, GenerationID: aigen.ID{byte(i), 1},
		})
	}
	other := list[0]
	other.Reason, other.At = "by hand", at.Add(-time.Second)
	list = append(list, other)
	rows := actionRows(list)
	require.Len(t, rows, 2)
	assert.Equal(t, 30, rows[0].Count())
	assert.Equal(t, 1, rows[1].Count(), "another reason is another action")

	late := list[0]
	late.At = at.Add(-time.Hour)
	assert.Len(t, actionRows(append(list, late)), 3)

	body := ask(t, desks(t, busyOperations{fakeOperations: newOperations(), actions: list}), "boss", http.MethodGet, operatorActionsPath, nil).Body.String()
	assert.Contains(t, body, "× 30")
	assert.Contains(t, body, "29 more")
}

// A filter that is no UUID is said to be wrong, and not answered as if nothing was there.
func TestBadFilterIsNamed(t *testing.T) {
	t.Parallel()
	mux := desks(t, newOperations())
	for query, says := range map[string]string{
		"user=abc": "This is not a UUID.", "project=1": "This is not a UUID.", "from=2026-12-02&to=2026-12-01": "This is before the first day.",
	} {
		body := ask(t, mux, "boss", http.MethodGet, operatorGenerationsPath+"?"+query, nil).Body.String()
		assert.Contains(t, body, says, query)
		assert.Contains(t, body, `aria-invalid="true"`, query)
		assert.NotContains(t, body, "No generation matches", query)
	}
}

// A story shows the pictures, the style and the resolution.
func TestStoryShowsWhatWasMade(t *testing.T) {
	t.Parallel()
	o := newOperations()
	g := o.generation
	g.Status, g.SelectedSampleID, g.Input.StyleGuidance = aigen.StatusCompleted, "s2", "Watercolour"
	g.Samples = []aigen.Asset{{AssetID: "s1", URL: "/assets/1.png"}, {AssetID: "s2", URL: "javascript:alert(1)"}}
	g.FinalAsset = &aigen.Asset{AssetID: "f", URL: "https://pictures.example.com/f.png", Width: 1080, Height: 1920}
	body := ask(t, desks(t, o), "boss", http.MethodGet, operatorGenerationsPath+"/"+g.ID.String(), nil).Body.String()
	assert.Contains(t, body, `src="/assets/1.png"`)
	assert.Contains(t, body, `src="https://pictures.example.com/f.png"`)
	assert.Contains(t, body, "1080 × 1920")
	assert.Contains(t, body, "Watercolour")
	assert.Contains(t, body, "Sample 2, selected")
	assert.NotContains(t, body, "javascript:")
}

// Settings: those that somebody has set, and all of them on demand.
func TestSettingsThatDiffer(t *testing.T) {
	t.Parallel()
	o := busyOperations{fakeOperations: newOperations(), settings: []runtimeinfo.Setting{
		{Group: "Server", Name: "A_SET", Value: "1", Source: "environment", Doc: "what A is"}, {Group: "Log", Name: "B_DEFAULT", Value: "2", Source: "default"},
	}}
	mux := desks(t, o)
	some := ask(t, mux, "boss", http.MethodGet, operatorSystemPath, nil).Body.String()
	assert.Contains(t, some, "A_SET")
	assert.NotContains(t, some, "B_DEFAULT")
	all := ask(t, mux, "boss", http.MethodGet, operatorSystemPath+"?settings=all", nil).Body.String()
	assert.Contains(t, all, "A_SET")
	assert.Contains(t, all, "B_DEFAULT")
	assert.Contains(t, all, "Show the 1 that differ")
}

// Two users whose ids end alike are told apart.
func TestBriefTellsIDsApart(t *testing.T) {
	t.Parallel()
	one, err := aigen.ParseID("44444441-4444-4444-8444-444444444444")
	require.NoError(t, err)
	two, err := aigen.ParseID("44444442-4444-4444-8444-444444444444")
	require.NoError(t, err)
	assert.NotEqual(t, brief(one), brief(two))
	assert.Equal(t, "44444441…444444", brief(one))
}

// The axis of a chart says that its times are times of day: a script must not make
// "5 minutes ago" of them.
func TestChartAxisHasClockTimes(t *testing.T) {
	t.Parallel()
	body := ask(t, desks(t, busyStatistics{newOperations()}), "boss", http.MethodGet, operatorPath, nil).Body.String()
	assert.Equal(t, 6, strings.Count(body, "data-clock>10:00 UTC<"), "the two charts of the outbox, which have one moment")
}

// busyStatistics have one part.
type busyStatistics struct{ *fakeOperations }

func (o busyStatistics) GetStatistics(ctx context.Context, w operations.Window) (operations.Statistics, error) {
	st, err := o.fakeOperations.GetStatistics(ctx, w)
	at := time.Date(2026, 12, 1, 10, 0, 0, 0, time.UTC)
	st.At = at
	return st, err
}
