package sqlite_test

import (
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/app"
	"github.com/creativeflow/aigen/internal/ledger"
	"github.com/creativeflow/aigen/internal/sqlite"
)

// What is taken for new and is there already is found out, alone or among others, and
// its neighbours are written.
func TestApplyNothingNew(t *testing.T) {
	t.Parallel()
	s := open(t, file(t), sqlite.Options{InitialCredits: 1000, Logger: quiet})
	before := write(t, s)
	fresh := func() *app.Change { return accept(t, policy(), aigen.ID(uuid.New())) }

	again := fresh()
	again.Generation.ID, again.Events = before.Generation.ID, nil
	require.ErrorIs(t, s.Apply(t.Context(), []*app.Change{again})[0], app.ErrVersionConflict, "alone")

	dearer, repeat, twice := fresh(), fresh(), fresh()
	dearer.Postings = append([]ledger.Posting(nil), before.Postings...) // a run that was reserved
	dearer.Postings[0].Amount++
	repeat.Postings = before.Postings
	batch := []*app.Change{fresh(), again, dearer, repeat, twice, twice, fresh()}
	errs := s.Apply(t.Context(), batch)
	for i, want := range []error{nil, app.ErrVersionConflict, nil, nil, nil, app.ErrVersionConflict, nil} {
		if i == 2 {
			require.ErrorContains(t, errs[i], "another reservation")
			continue
		}
		require.ErrorIs(t, errs[i], want, i)
	}
	counts, faults, err := s.Audit(t.Context())
	require.NoError(t, err)
	require.Empty(t, faults)
	require.EqualValues(t, 5, counts["generations"])
	require.EqualValues(t, 8, counts["ledger_entries"], "an account opened and a run reserved, but for the repeat")
}

// Rows that are written together, in any number: each generation has its own.
func TestApplyManyTogether(t *testing.T) {
	t.Parallel()
	s := open(t, file(t), sqlite.Options{InitialCredits: 100000})
	user := aigen.ID(uuid.New())
	for _, size := range []int{1, 3, 4, 5, 16, 21, 64, 65, 150} {
		batch := make([]*app.Change, size)
		for i := range batch {
			batch[i] = accept(t, policy(), user)
		}
		for _, err := range s.Apply(t.Context(), batch) {
			require.NoError(t, err)
		}
		for _, c := range batch {
			got, err := s.Get(t.Context(), c.Generation.ID)
			require.NoError(t, err)
			require.Equal(t, c.Generation.Runs[0].ID, got.Runs[0].ID)
			events, err := s.Events(t.Context(), c.Generation.ID, 0, 10)
			require.NoError(t, err)
			require.Equal(t, c.Events, events)
		}
	}
	_, faults, err := s.Audit(t.Context())
	require.NoError(t, err)
	require.Empty(t, faults)
}
