package e2e

import (
	"fmt"
	"net/http"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen/internal/testprogram"
)

// TestVolume takes 10,000 generations of 20 users through the whole program with
// pictures off. Nothing is left in the outbox and every balance is exact.
func TestVolume(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a minute; make test runs it")
	}
	t.Parallel()
	const users, each = 20, 500
	dir := t.TempDir()
	p := testprogram.Start(t, dir, map[string]string{"LEDGER_INITIAL_CREDITS": "1000.10"})
	people := make([]*testprogram.User, users)
	for i := range people {
		people[i] = testprogram.NewUser(t)
	}
	everybody := func(f func(u *testprogram.User)) {
		var wg sync.WaitGroup
		for _, u := range people {
			wg.Go(func() { f(u) })
		}
		wg.Wait()
	}
	everybody(func(u *testprogram.User) {
		for i := range each {
			a, err := u.Create(p.URL, "", fmt.Sprintf("fox %d", i))
			if !assert.NoError(t, err) || !assert.Equal(t, http.StatusAccepted, a.HTTP, "%s", a.Raw) {
				return
			}
		}
	})
	require.False(t, t.Failed())
	everybody(func(u *testprogram.User) {
		for _, g := range u.WaitFor(t, p.URL, "AwaitingSelection", each) {
			a, err := u.Post(p.URL, g.ID, "select-sample", "", map[string]any{"sampleId": g.SampleAssets[0].AssetID})
			if !assert.NoError(t, err) || !assert.Equal(t, http.StatusAccepted, a.HTTP, "%s", a.Raw) {
				return
			}
		}
	})
	require.False(t, t.Failed())
	everybody(func(u *testprogram.User) { u.WaitFor(t, p.URL, "Completed", each) })
	everybody(func(u *testprogram.User) {
		a, err := u.Call(http.MethodGet, p.URL+"/api/v1/credits", "", nil)
		assert.NoError(t, err)
		// 1000.10 - 500 × (2 × 0.25 + 1.00)
		assert.Equal(t, []string{"250.10", "0.00", "250.10"}, []string{a.Balance, a.Reserved, a.Available})
	})
	db := testprogram.Audit(t, dir)
	testprogram.Eventually(t, "an empty outbox", func() bool { return testprogram.Count(t, db, "SELECT count(*) FROM deliveries") == 0 })
	require.Equal(t, users*each, testprogram.Count(t, db, "SELECT count(*) FROM generations WHERE status = 'Completed'"))
	require.Equal(t, 0, p.Stop())
}
