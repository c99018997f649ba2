package aigen_test

import (
	"reflect"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen"
)

// situations are the columns of the table: the eight states, a choice whose credits are
// being reserved, and a failure whose reservation is being released.
var situations = []struct {
	name   string
	status aigen.Status
	make   func(w *fixture, t testing.TB) *aigen.Generation
}{
	{"pending", aigen.StatusPending, nil},
	{"samples", aigen.StatusProcessingSamples, nil},
	{"choice", aigen.StatusAwaitingSelection, nil},
	{"reserving", aigen.StatusAwaitingSelection, func(w *fixture, t testing.TB) *aigen.Generation { return w.choosing(t) }},
	{"final", aigen.StatusProcessingFinal, nil},
	{"completed", aigen.StatusCompleted, nil},
	{"failed", aigen.StatusFailed, nil},
	{"releasing", aigen.StatusFailed, func(w *fixture, t testing.TB) *aigen.Generation {
		g := w.pending(t)
		_, err := g.AbandonReservation(w.Policy, newestRun(g).ID)
		require.NoError(t, err)
		g.Drain()
		return g
	}},
	{"cancelled", aigen.StatusCancelled, nil},
	{"rejected", aigen.StatusContentRejected, nil},
}

// want is a cell of the table: the status after it, a refusal, or that nothing happens.
type want struct {
	status  aigen.Status
	code    aigen.Code
	nothing string // "no" from a verb that reports whether it changed anything, else the outcome
}

var (
	toSamples   = want{status: aigen.StatusProcessingSamples}
	toChoice    = want{status: aigen.StatusAwaitingSelection}
	toFinal     = want{status: aigen.StatusProcessingFinal}
	toDone      = want{status: aigen.StatusCompleted}
	toFailed    = want{status: aigen.StatusFailed}
	toCancelled = want{status: aigen.StatusCancelled}
	toRejected  = want{status: aigen.StatusContentRejected}
	toPending   = want{status: aigen.StatusPending}

	no      = want{code: aigen.CodeInvalidState}
	noSmpl  = want{code: aigen.CodeUnknownSample}
	noJob   = want{code: aigen.CodeUnknownJob}
	against = want{code: aigen.CodeCallbackContradiction}

	same   = want{nothing: "no"}
	again  = want{nothing: string(aigen.OutcomeDuplicate)}
	stale  = want{nothing: string(aigen.OutcomeStale)}
	ignore = want{nothing: string(aigen.OutcomeIgnored)}
)

// row has a cell for each situation. The zero cell is others.
type row struct {
	others                                                                                        want
	pending, samples, choice, reserving, final, completed, failed, releasing, cancelled, rejected want
}

// cells returns the cells in the order of situations.
func (r row) cells() []want {
	all := []want{r.pending, r.samples, r.choice, r.reserving, r.final, r.completed, r.failed, r.releasing, r.cancelled, r.rejected}
	for i := range all {
		if all[i] == (want{}) {
			all[i] = r.others
		}
	}
	return all
}

// table says what each verb does in each situation. "newest" is the newest run or job of
// the generation; where it has no job, an unknown id.
var table = map[string]row{
	"DeferReservation":                  {others: no, pending: toPending, reserving: toChoice},
	"SelectSample":                      {others: no, choice: toChoice},
	"SelectSample unknown":              {others: no, choice: noSmpl},
	"Regenerate":                        {others: no, choice: toChoice},
	"ConfirmReservation newest":         {others: same, pending: toSamples, reserving: toFinal},
	"ConfirmReservation unknown":        {others: no},
	"RejectReservation newest, notify":  {others: same, pending: toFailed, reserving: toChoice},
	"RejectReservation newest, quietly": {others: same, pending: toFailed, reserving: toChoice},
	"RejectReservation unknown":         {others: no},
	"AbandonReservation newest":         {others: same, pending: toFailed, reserving: toChoice},
	"AbandonReservation unknown":        {others: no},
	"ConfirmRelease newest, held":       {others: same, releasing: toFailed},
	"ConfirmRelease newest, free":       {others: same, releasing: toFailed},
	"ConfirmRelease unknown":            {others: no},
	"Cancel":                            {others: toCancelled, completed: no, failed: no, releasing: no, cancelled: no, rejected: no},
	"Fail":                              {others: toFailed, completed: no, failed: no, releasing: no, cancelled: no, rejected: no},
	"FailByOperator":                    {others: toFailed, completed: no, failed: no, releasing: no, cancelled: no, rejected: no},
	"DispatchFailed newest":             {others: same, samples: toFailed, final: toFailed},
	"DispatchFailed unknown":            {others: same},
	"Expire too early":                  {others: same},
	"AssetLost":                         {others: same},
	"Expire when due":                   {others: same, pending: toPending, samples: toFailed, choice: toCancelled, reserving: toChoice, final: toFailed},

	"Report samples":               {others: ignore, pending: noJob, samples: toChoice, choice: again, reserving: again, final: against},
	"Report final":                 {others: ignore, pending: noJob, samples: against, choice: against, reserving: against, final: toDone, completed: again},
	"Report failed samples":        {others: ignore, pending: noJob, samples: toFailed, choice: stale, reserving: stale, final: against, failed: again},
	"Report failed samples, retry": {others: ignore, pending: noJob, samples: toSamples, choice: stale, reserving: stale, final: against, failed: again},
	"Report failed final":          {others: ignore, pending: noJob, samples: against, choice: against, reserving: against, final: toFailed},
	"Report failed final, retry":   {others: ignore, pending: noJob, samples: against, choice: against, reserving: against, final: toFinal},
	"Report rejected":              {others: ignore, pending: noJob, samples: toRejected, choice: stale, reserving: stale, final: toRejected, rejected: again},

	"Report samples, no jobId":               {others: ignore, pending: against, samples: toChoice, choice: again, reserving: again, final: again},
	"Report final, no jobId":                 {others: ignore, pending: against, samples: against, choice: against, reserving: against, final: toDone},
	"Report failed samples, no jobId":        {others: ignore, pending: against, samples: toFailed, choice: stale, reserving: stale, final: stale},
	"Report failed samples, retry, no jobId": {others: ignore, pending: against, samples: toSamples, choice: stale, reserving: stale, final: stale},
	"Report failed final, no jobId":          {others: ignore, pending: against, samples: against, choice: against, reserving: against, final: toFailed},
	"Report failed final, retry, no jobId":   {others: ignore, pending: against, samples: against, choice: against, reserving: against, final: toFinal},
	"Report rejected, no jobId":              {others: ignore, pending: against, samples: toRejected, choice: stale, reserving: stale, final: toRejected},

	"Report samples, other jobId":        {others: noJob, completed: ignore, failed: ignore, releasing: ignore, cancelled: ignore, rejected: ignore},
	"Report final, other jobId":          {others: noJob, completed: ignore, failed: ignore, releasing: ignore, cancelled: ignore, rejected: ignore},
	"Report failed samples, other jobId": {others: noJob, completed: ignore, failed: ignore, releasing: ignore, cancelled: ignore, rejected: ignore},
	"Report rejected, other jobId":       {others: noJob, completed: ignore, failed: ignore, releasing: ignore, cancelled: ignore, rejected: ignore},
}

func TestEveryVerbInEveryState(t *testing.T) {
	t.Parallel()
	for name, verb := range verbs() {
		cells := table[name].cells()
		require.Len(t, cells, len(situations), "%s: one cell a situation", name)
		for i, situation := range situations {
			t.Run(name+"/"+situation.name, func(t *testing.T) {
				t.Parallel()
				w := setup()
				g := w.in(t, situation.status)
				if situation.make != nil {
					g = situation.make(w, t)
				}
				check(t, w, g, verb, cells[i])
			})
		}
	}
}

func check(t *testing.T, w *fixture, g *aigen.Generation, verb verb, want want) {
	t.Helper()
	g.Version = 7
	w.advance(1e9)
	before, untouched := g.Clone(), snapshot(t, g)

	nothing, err := verb(w, g)

	assert.Equal(t, want.code, aigen.CodeOf(err))
	assert.Equal(t, int64(7), g.Version, "the store's business")
	if want.code == "" {
		assert.Equal(t, want.nothing, nothing)
	}
	if want.status == "" {
		assert.True(t, reflect.DeepEqual(before, g), "changed, or recorded an event or an effect")
		assert.Equal(t, untouched, snapshot(t, g))
		return
	}
	assert.Equal(t, want.status, g.Status)
	after := snapshot(t, g)
	events, effects := g.Drain()
	assert.False(t, untouched == after && len(events)+len(effects) == 0, "allowed, and yet nothing happened")
	if before.Status != g.Status {
		require.NotEmpty(t, events, "each move is an event")
		assert.Equal(t, g.Status, events[len(events)-1].Data.Status)
	}
}

func TestTheTableIsComplete(t *testing.T) {
	t.Parallel()
	seen := map[aigen.Status]bool{}
	for _, s := range situations {
		seen[s.status] = true
	}
	for _, s := range aigen.Statuses() {
		assert.True(t, seen[s], "no situation for %s", s)
	}
	for name, r := range table {
		assert.Contains(t, verbs(), name, "a row without a verb")
		require.Len(t, r.cells(), len(situations), name)
		for i, cell := range r.cells() {
			assert.NotEqual(t, want{}, cell, "%s in %s", name, situations[i].name)
		}
	}
	for name := range verbs() {
		assert.Contains(t, table, name, "a verb without a row")
	}
}

// TestEveryMethodIsTried fails when somebody adds a verb and leaves it out of the table.
func TestEveryMethodIsTried(t *testing.T) {
	t.Parallel()
	asks := map[string]bool{ // change nothing that is kept
		"AwaitsJob": true, "Attempt": true, "Clone": true, "Cost": true, "Drain": true, "FindJob": true,
		"ReservationDeferred": true, "Assets": true, "PendingRun": true, "SelectedSample": true, "Stage": true, "Totals": true,
	}
	tried := map[string]bool{}
	for name := range verbs() {
		tried[firstWord(name)] = true
	}
	for method := range reflect.TypeFor[*aigen.Generation]().Methods() {
		assert.NotEqual(t, asks[method.Name], tried[method.Name], "%s is in no row of the table, or asks and is", method.Name)
	}
}
