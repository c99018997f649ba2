package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
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
	p := start(t, dir, map[string]string{"LEDGER_INITIAL_CREDITS": "1000.10"})
	people := make([]*user, users)
	for i := range people {
		people[i] = newUser(t)
	}
	everybody := func(f func(u *user)) {
		var wg sync.WaitGroup
		for _, u := range people {
			wg.Go(func() { f(u) })
		}
		wg.Wait()
	}
	everybody(func(u *user) {
		for i := range each {
			a, err := u.create(p.url, "", fmt.Sprintf("fox %d", i))
			if !assert.NoError(t, err) || !assert.Equal(t, http.StatusAccepted, a.HTTP, "%s", a.raw) {
				return
			}
		}
	})
	require.False(t, t.Failed())
	everybody(func(u *user) {
		for _, g := range u.waitFor(t, p.url, "AwaitingSelection", each) {
			a, err := u.post(p.url, g.ID, "select-sample", "", map[string]any{"sampleId": g.SampleAssets[0].AssetID})
			if !assert.NoError(t, err) || !assert.Equal(t, http.StatusAccepted, a.HTTP, "%s", a.raw) {
				return
			}
		}
	})
	require.False(t, t.Failed())
	everybody(func(u *user) { u.waitFor(t, p.url, "Completed", each) })
	everybody(func(u *user) {
		a, err := u.call(http.MethodGet, p.url+"/api/v1/credits", "", nil)
		assert.NoError(t, err)
		// 1000.10 - 500 × (2 × 0.25 + 1.00)
		assert.Equal(t, []string{"250.10", "0.00", "250.10"}, []string{a.Balance, a.Reserved, a.Available})
	})
	db := audit(t, dir)
	eventually(t, "an empty outbox", func() bool { return count(t, db, "SELECT count(*) FROM deliveries") == 0 })
	require.Equal(t, users*each, count(t, db, "SELECT count(*) FROM generations WHERE status = 'Completed'"))
	require.Equal(t, 0, p.stop())
}

// waitFor waits until the user has n generations in a status, and returns them.
func (u *user) waitFor(t *testing.T, base, status string, n int) []answer {
	var all []answer
	eventually(t, fmt.Sprintf("%d generations in %s", n, status), func() bool {
		var err error
		all, err = u.list(base, status)
		require.NoError(t, err)
		return len(all) == n
	})
	return all
}

// list follows the cursor to the end.
func (u *user) list(base, status string) ([]answer, error) {
	var all []answer
	cursor := ""
	for {
		q := url.Values{"status": {status}, "limit": {"100"}}
		if cursor != "" {
			q.Set("cursor", cursor)
		}
		a, err := u.call(http.MethodGet, base+"/api/v1/generations?"+q.Encode(), "", nil)
		if err != nil {
			return nil, err
		}
		var page struct {
			Items      []answer
			NextCursor *string
		}
		if err := json.Unmarshal(a.raw, &page); err != nil {
			return nil, err
		}
		all = append(all, page.Items...)
		if page.NextCursor == nil || *page.NextCursor == "" {
			return all, nil
		}
		cursor = *page.NextCursor
	}
}
