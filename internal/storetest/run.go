package storetest

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/reconcile"
)

func testRuns(t *testing.T, open Open) {
	w := setup(t, open, Options{InitialCredits: 100_00})
	runs, err := w.Runs(w.ctx, reconcile.RunPlace{}, 10)
	w.must(err)
	require.Empty(t, runs)

	user := w.id()
	want := map[aigen.ID]reconcile.BookedRun{}
	for i := range 7 {
		g := w.create(user)
		if i%2 == 0 {
			w.must(g.Cancel(w.policy))
			w.apply(w.change(g))
		}
		for _, r := range w.get(g.ID).Runs {
			want[r.ID] = reconcile.BookedRun{
				RunPlace: reconcile.RunPlace{GenerationID: g.ID, Number: r.Number}, ID: r.ID, UserID: user,
				Amount: r.Amount, Reservation: r.Reservation, CreatedAt: r.CreatedAt,
			}
		}
	}
	for _, limit := range []int{1, 2, 3, 7, 100} {
		got := map[aigen.ID]reconcile.BookedRun{}
		var place reconcile.RunPlace
		for {
			page, err := w.Runs(w.ctx, place, limit)
			w.must(err)
			require.LessOrEqual(t, len(page), limit)
			for _, r := range page {
				require.NotContains(t, got, r.ID, "twice")
				got[r.ID], place = r, r.RunPlace
			}
			if len(page) == 0 {
				break
			}
		}
		require.Equal(t, want, got)
	}
}
