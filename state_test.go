package aigen_test

import (
	"reflect"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen"
)

// situations are the columns of the table: the eight states, and the two ways in
// which credits without an answer make one of them differ.
var situations = []struct {
	name   string
	status aigen.Status
	make   func(w *world, t testing.TB) *aigen.Generation
}{
	{"pending", aigen.StatusPending, nil},
	{"samples", aigen.StatusProcessingSamples, nil},
	{"choice", aigen.StatusAwaitingSelection, nil},
	{"asked", aigen.StatusAwaitingSelection, func(w *world, t testing.TB) *aigen.Generation { return w.choosing(t) }},
	{"final", aigen.StatusProcessingFinal, nil},
	{"done", aigen.StatusCompleted, nil},
	{"failed", aigen.StatusFailed, nil},
	{"unsure", aigen.StatusFailed, func(w *world, t testing.TB) *aigen.Generation {
		g := w.pending(t)
		_, err := g.Abandon(w.Policy, newestRun(g).ID)
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

// table says what each verb does in each situation. "newest" is the newest run or
// job of the generation; where it has no job, an id that it does not know.
var table = map[string][]want{
	//                         pending    samples    choice       asked        final        done    failed  unsure    cancelled rejected
	"Accept":                  {toPending, no, no, toChoice, no, no, no, no, no, no},
	"SelectSample":            {no, no, toChoice, no, no, no, no, no, no, no},
	"SelectSample unknown":    {no, no, noSmpl, no, no, no, no, no, no, no},
	"Regenerate":              {no, no, toChoice, no, no, no, no, no, no, no},
	"Reserved newest":         {toSamples, same, same, toFinal, same, same, same, same, same, same},
	"Reserved unknown":        {no, no, no, no, no, no, no, no, no, no},
	"Refused newest, notify":  {toFailed, same, same, toChoice, same, same, same, same, same, same},
	"Refused newest, quietly": {toFailed, same, same, toChoice, same, same, same, same, same, same},
	"Refused unknown":         {no, no, no, no, no, no, no, no, no, no},
	"Abandon newest":          {toFailed, same, same, toChoice, same, same, same, same, same, same},
	"Abandon unknown":         {no, no, no, no, no, no, no, no, no, no},
	"Released newest, held":   {same, same, same, same, same, same, same, toFailed, same, same},
	"Released newest, free":   {same, same, same, same, same, same, same, toFailed, same, same},
	"Released unknown":        {no, no, no, no, no, no, no, no, no, no},
	"Cancel":                  {toCancelled, toCancelled, toCancelled, toCancelled, toCancelled, no, no, no, no, no},
	"Fail":                    {toFailed, toFailed, toFailed, toFailed, toFailed, no, no, no, no, no},
	"FailByOperator":          {toFailed, toFailed, toFailed, toFailed, toFailed, no, no, no, no, no},
	"DispatchFailed newest":   {same, toFailed, same, same, toFailed, same, same, same, same, same},
	"DispatchFailed unknown":  {same, same, same, same, same, same, same, same, same, same},
	"Expire too early":        {same, same, same, same, same, same, same, same, same, same},
	"Expire when due":         {toPending, toFailed, toCancelled, toChoice, toFailed, same, same, same, same, same},

	"Report samples":               {noJob, toChoice, again, again, against, ignore, ignore, ignore, ignore, ignore},
	"Report final":                 {noJob, against, against, against, toDone, again, ignore, ignore, ignore, ignore},
	"Report failed samples":        {noJob, toFailed, stale, stale, against, ignore, again, ignore, ignore, ignore},
	"Report failed samples, retry": {noJob, toSamples, stale, stale, against, ignore, again, ignore, ignore, ignore},
	"Report failed final":          {noJob, against, against, against, toFailed, ignore, ignore, ignore, ignore, ignore},
	"Report failed final, retry":   {noJob, against, against, against, toFinal, ignore, ignore, ignore, ignore, ignore},
	"Report rejected":              {noJob, toRejected, stale, stale, toRejected, ignore, ignore, ignore, ignore, again},

	"Report samples, no jobId":               {against, toChoice, again, again, again, ignore, ignore, ignore, ignore, ignore},
	"Report final, no jobId":                 {against, against, against, against, toDone, ignore, ignore, ignore, ignore, ignore},
	"Report failed samples, no jobId":        {against, toFailed, stale, stale, stale, ignore, ignore, ignore, ignore, ignore},
	"Report failed samples, retry, no jobId": {against, toSamples, stale, stale, stale, ignore, ignore, ignore, ignore, ignore},
	"Report failed final, no jobId":          {against, against, against, against, toFailed, ignore, ignore, ignore, ignore, ignore},
	"Report failed final, retry, no jobId":   {against, against, against, against, toFinal, ignore, ignore, ignore, ignore, ignore},
	"Report rejected, no jobId":              {against, toRejected, stale, stale, toRejected, ignore, ignore, ignore, ignore, ignore},

	"Report samples, other jobId":        {noJob, noJob, noJob, noJob, noJob, ignore, ignore, ignore, ignore, ignore},
	"Report final, other jobId":          {noJob, noJob, noJob, noJob, noJob, ignore, ignore, ignore, ignore, ignore},
	"Report failed samples, other jobId": {noJob, noJob, noJob, noJob, noJob, ignore, ignore, ignore, ignore, ignore},
	"Report rejected, other jobId":       {noJob, noJob, noJob, noJob, noJob, ignore, ignore, ignore, ignore, ignore},
}

func TestEveryVerbInEveryState(t *testing.T) {
	t.Parallel()
	for name, verb := range verbs() {
		cells := table[name]
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

func check(t *testing.T, w *world, g *aigen.Generation, verb verb, want want) {
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
	for name, cells := range table {
		assert.Contains(t, verbs(), name, "a row without a verb")
		assert.Len(t, cells, len(situations), name)
		for i, cell := range cells {
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
		"InBackground": true, "PendingRun": true, "SelectedSample": true, "Stage": true, "Totals": true,
	}
	tried := map[string]bool{}
	for name := range verbs() {
		tried[firstWord(name)] = true
	}
	for method := range reflect.TypeFor[*aigen.Generation]().Methods() {
		assert.NotEqual(t, asks[method.Name], tried[method.Name], "%s is in no row of the table, or asks and is", method.Name)
	}
}
