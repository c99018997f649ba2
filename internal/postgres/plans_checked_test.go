package postgres

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
)

// indexes says by which index a statement finds its rows, by a part of its text that
// no other has. A statement that is not here fails the test.
var indexes = []struct{ part, index string }{
	{"due_at IS NOT NULL AND status = ", "generations_due"},
	{"AND status = 'Failed'", "generations_unfulfilled"},
	{"SELECT id FROM generations WHERE id >= ", "generations_pkey"},
	{generationsByID, "generations_pkey"},
	{runsByID, "runs_pkey"},
	{"SELECT id FROM generations WHERE user_id", "generations_list"},
	{findRun, "runs_created"},
	{entriesOfRuns, "ledger_entries_run"},
	{activityEvents, "events_at"},
	{activityStages, "events_at"},
	{activityCredits, "runs_created"},
	{deadCauses, "deliveries_dead"},
	{"FROM deliveries WHERE id > $1::uuid AND state = 'dead'", "deliveries_dead"},
	{selectActions, "operator_actions_generation"},
	{settleRetry, "deliveries_pkey"},
	{settleDrop, "deliveries_pkey"},
	{"FROM generations WHERE id = $1::uuid", "generations_pkey"},
	{"FROM runs WHERE generation_id = $1::uuid", "runs_pkey"},
	{selectGenerations, "generations_pkey"},
	{runsOfGenerations, "runs_pkey"},
	{"FROM runs WHERE generation_id = ANY (ARRAY(", "generations_list"},
	{"FROM generations WHERE user_id = $1", "generations_list"},
	{eventsOfGeneration, "events_pkey"},
	{eventsOfUser, "events_of_user"},
	{lastPosition, "accounts_pkey"},
	{selectAccount, "accounts_pkey"},
	{selectKey, "idempotency_keys_pkey"},
	{lockAccounts, "accounts_pkey"},
	{lockGenerations, "generations_pkey"},
	{lockKeys, "idempotency_keys_pkey"},
	{selectPostings, "ledger_entries_run"},
	{findEvents, "events_pkey"},
	{findUpdates, "generations_pkey"},
	{updateAccounts, "accounts_pkey"},
	{updateGenerations, "generations_pkey"},
	{addCounts, "generation_counts_pkey"},
	{"INSERT INTO", "ProjectSet"},
	{claimDeliveries, "deliveries_waiting"},
	{claimDeliveryFor, "deliveries_waiting"},
	{waitingUsers, "deliveries_waiting"},
	{countQueued, "runs_open"},
	{extendLeases, "deliveries_pkey"},
	{lockOwned, "deliveries_pkey"},
	{removeDelivered, "deliveries_pkey"},
	{retryLater, "deliveries_pkey"},
	{bury, "deliveries_pkey"},
	{giveBack, "deliveries_pkey"},
	{dueGenerations, "generations_due"},
	{purgeKeys, "idempotency_keys_expiry"},
	{selectEnded, "generations_ended"},
	{removeAssetsOf, "assets_generation"},
	{deleteUses, "asset_uses_generation"},
	{deleteEvents, "events_pkey"},
	{deleteRuns, "runs_pkey"},
	{deleteGenerations, "generations_pkey"},
	{countRemoved, "accounts_pkey"},
	{statsGenerations, "generation_counts"},
	{statsWaiting, "deliveries_waiting"},
	{statsDead, "deliveries_dead"},
	{statsReservations, "runs_open"},
}

// CheckPlans asserts that the queries that run all the time find what they look for
// by an index.
func (i Internals) CheckPlans(t *testing.T, url string) {
	t.Helper()
	for _, st := range i.Plans(t, url, 1000, 8, false, `EXPLAIN`) {
		k := slices.IndexFunc(indexes, func(x struct{ part, index string }) bool { return strings.Contains(st.sql, x.part) })
		require.GreaterOrEqual(t, k, 0, "which index should this use?\n%s", st.sql)
		require.Contains(t, st.plan, indexes[k].index, st.sql)
		if strings.Contains(st.sql, statsGenerations) {
			continue // at most 256 rows
		}
		require.NotContains(t, st.plan, "Seq Scan", st.sql)
		require.NotContains(t, st.plan, "Hash Join", st.sql)
		require.NotContains(t, st.plan, "Merge Join", st.sql)
	}
}

// WritePlans writes docs/postgresql-plans.md: the plans on a million generations.
func (i Internals) WritePlans(t *testing.T, url, file string) {
	t.Helper()
	const n, size = 1_000_000, 64
	c, err := pgx.Connect(t.Context(), url)
	require.NoError(t, err)
	defer c.Close(context.Background())
	list := i.Plans(t, url, n, size, true, `EXPLAIN (ANALYZE, BUFFERS)`)
	var version string
	require.NoError(t, c.QueryRow(t.Context(), `SHOW server_version`).Scan(&version))
	var b strings.Builder
	fmt.Fprintf(&b, plansHead, version, size)
	rows, err := c.Query(t.Context(), `SELECT relname, to_char(reltuples, 'FM999,999,999'), pg_size_pretty(pg_table_size(oid)), pg_size_pretty(pg_indexes_size(oid))
FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND reltuples > 0 ORDER BY reltuples DESC, relname`)
	require.NoError(t, err)
	require.NoError(t, each(func(r pgx.Rows) error {
		var table, count, size, indexes string
		err := r.Scan(&table, &count, &size, &indexes)
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", table, count, size, indexes)
		return err
	})(rows))
	of := ""
	for _, st := range list {
		if st.of != of {
			of = st.of
			fmt.Fprintf(&b, "\n## %s\n", of)
		}
		fmt.Fprintf(&b, "\n```sql\n%s\n```\n\n```\n%s\n```\n", strings.TrimSpace(st.sql), st.plan)
	}
	require.NoError(t, os.WriteFile(file, []byte(b.String()), 0o600))
}

const plansHead = `# Plans of the PostgreSQL store

What PostgreSQL does for each statement that the store sends all the time, on a million generations. Written by a test, never by hand:

` + "```sh\nAIGEN_EXPLAIN=$PWD/docs/postgresql-plans.md go test -count=1 -timeout 20m -run TestWritePlans ./internal/postgres\n```" + `

The statements are those that a store sent for real, recorded under way. PostgreSQL %s, plans for any arguments (` + "`plan_cache_mode = force_generic_plan`" + `), as a connection keeps them for a prepared statement; statements that write are planned with what the store sets in its transactions (` + "`enable_seqscan`, `enable_hashjoin` and `enable_mergejoin` off" + `). ` + "`EXPLAIN (ANALYZE, BUFFERS)`" + ` ran each in a transaction that was undone. Batches have %d changes. Times are of one run on a small machine that did other work too; look at the rows and buffers first.

| Table | Rows | Size | Indexes |
| --- | --- | --- | --- |
`
