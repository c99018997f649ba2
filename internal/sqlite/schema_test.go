package sqlite_test

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/app"
	"github.com/creativeflow/aigen/internal/ledger"
	"github.com/creativeflow/aigen/internal/sqlite"
)

// The rules of the schema hold against anybody who writes to the file.
func TestSchemaRefuses(t *testing.T) {
	t.Parallel()
	path := file(t)
	s := open(t, path, sqlite.Options{InitialCredits: 1000})
	c := write(t, s)
	c.Record = &app.IdempotencyRecord{
		UserID: c.Generation.UserID, Key: "k", GenerationID: c.Generation.ID,
		CreatedAt: time.Now(), ExpiresAt: time.Now().Add(time.Hour),
	}
	c.From, c.Events, c.Deliveries, c.Postings = 1, nil, nil, nil
	require.NoError(t, s.Apply(t.Context(), []*app.Change{c})[0])
	db := raw(t, path)

	settled := accept(t, policy(), c.Generation.UserID)
	require.NoError(t, settled.Generation.Cancel(policy()))
	refund := settled.Postings[0]
	refund.Kind = ledger.Refund
	settled.Postings = append(settled.Postings, refund)
	require.NoError(t, s.Apply(t.Context(), []*app.Change{settled})[0])

	for _, query := range []string{
		`UPDATE generations SET status = 'Lost'`,
		`UPDATE generations SET version = 0`,
		`UPDATE generations SET parameters = '{'`,
		`UPDATE generations SET due_at = 'soon'`,
		`UPDATE generations SET due_at = 5 WHERE status = 'Cancelled'`,
		`UPDATE generations SET status = 'Pending' WHERE status = 'Cancelled'`,
		`UPDATE generations SET updated_at = created_at - 1`,
		`UPDATE generations SET id = x'01'`,
		`DELETE FROM generations`, // it has events
		`UPDATE runs SET reservation = 'gone'`,
		`UPDATE runs SET reservation = 'held' WHERE reservation = 'refunded'`,
		`UPDATE runs SET amount = -1`,
		`UPDATE runs SET stage = 'third'`,
		`UPDATE runs SET generation_id = randomblob(16)`,
		`UPDATE events SET position = 0`,
		`UPDATE events SET position = 1`,
		`UPDATE events SET generation_id = randomblob(16)`,
		`UPDATE deliveries SET kind = 'letter'`,
		`UPDATE deliveries SET lane = 'slow'`,
		`UPDATE deliveries SET state = 'asleep'`,
		`UPDATE deliveries SET attempts = -1`,
		`UPDATE deliveries SET payload = 'no json'`,
		`UPDATE deliveries SET state = 'dead', owner = 'me'`,
		`UPDATE accounts SET held = balance + 1`,
		`UPDATE accounts SET held = -1`,
		`UPDATE accounts SET balance = NULL`, // credits are held
		`UPDATE accounts SET event_position = -1`,
		`UPDATE ledger_entries SET amount = 1`,
		`DELETE FROM ledger_entries`,
		`UPDATE idempotency_keys SET request_hash = x'00'`,
		`UPDATE idempotency_keys SET expires_at = created_at`,
		`UPDATE idempotency_keys SET answer = '['`,
		`UPDATE generation_counts SET n = -1`,
	} {
		_, err := db.ExecContext(t.Context(), query)
		require.ErrorContains(t, err, "constraint failed", query)
	}

	const entry = `INSERT INTO ledger_entries (user_id, kind, amount, run_id, reference, balance_after, held_after, at) `
	run := settled.Generation.Runs[0].ID
	for _, query := range []string{
		entry + `VALUES (randomblob(16), 'deduct', 1, ?1, NULL, 0, 0, 0)`, // after its refund
		entry + `VALUES (randomblob(16), 'refund', 1, ?1, NULL, 0, 0, 0)`,
		entry + `VALUES (randomblob(16), 'reserve', 1, ?1, NULL, 1, 1, 0)`,
		entry + `VALUES (randomblob(16), 'reserve', 0, randomblob(16), ?1 = 0, 1, 1, 0)`,
		entry + `VALUES (randomblob(16), 'gift', 1, NULL, ?1 <> 0, 1, 1, 0)`,
		entry + `VALUES (randomblob(16), 'grant', 1, NULL, ?1 <> 0 AND NULL, 1, 0, 0)`,
		entry + `VALUES (randomblob(16), 'reserve', 1, randomblob(16), NULL, 0, length(?1), 0)`, // more held than there is
	} {
		_, err := db.ExecContext(t.Context(), query, run[:])
		require.ErrorContains(t, err, "constraint failed", query)
	}
}

// The queries that run all the time find what they look for by an index.
func TestQueriesUseIndexes(t *testing.T) {
	t.Parallel()
	path := file(t)
	open(t, path, sqlite.Options{})
	db := raw(t, path)
	for query, index := range map[string]string{
		`SELECT id FROM generations WHERE due_at <= 5 ORDER BY due_at, id LIMIT 5`: "COVERING INDEX generations_due",
		`SELECT prompt FROM generations WHERE user_id = x'00' AND (created_at, id) < (1, x'00')
			ORDER BY created_at DESC, id DESC LIMIT 5`: "INDEX generations_list",
		`SELECT payload FROM deliveries WHERE state = 'waiting' AND lane = 'jobs' AND available_at <= 5
			ORDER BY available_at, id LIMIT 5`: "INDEX deliveries_waiting",
		`SELECT count(*), min(created_at) FROM deliveries WHERE state = 'waiting' AND lane = 'jobs'`: "COVERING INDEX deliveries_waiting",
		`SELECT count(*) FROM deliveries WHERE state = 'dead' AND lane = 'jobs'`:                     "COVERING INDEX deliveries_dead",
		`SELECT count(*), sum(amount), min(created_at) FROM runs
			WHERE (reservation = 'pending' OR reservation = 'held' OR reservation = 'releasing')`: "INDEX runs_open",
		`SELECT number FROM runs WHERE generation_id = x'00' AND
			(reservation = 'pending' OR reservation = 'held' OR reservation = 'releasing')`: "PRIMARY KEY (generation_id=?)",
		`SELECT data FROM events WHERE user_id = x'00' AND position > 5 ORDER BY position LIMIT 5`:     "INDEX events_of_user",
		`SELECT data FROM events WHERE generation_id = x'00' AND seq > 5 ORDER BY seq LIMIT 5`:         "PRIMARY KEY",
		`SELECT kind FROM ledger_entries WHERE run_id = x'00'`:                                         "INDEX ledger_entries_run",
		`SELECT 1 FROM ledger_entries WHERE user_id = x'00' AND reference = 'r' AND kind = 'grant'`:    "INDEX ledger_entries_grant",
		`SELECT user_id, key FROM idempotency_keys WHERE expires_at <= 5 ORDER BY expires_at LIMIT 5`:  "INDEX idempotency_keys_expiry",
		`DELETE FROM generations WHERE id = x'00' AND version = 1`:                                     "sqlite_autoindex_generations_1",
		`SELECT expires_at FROM idempotency_keys WHERE user_id = x'00' AND key = 'k' AND expires_at>1`: "PRIMARY KEY",
	} {
		rows, err := db.QueryContext(t.Context(), "EXPLAIN QUERY PLAN "+query)
		require.NoError(t, err, query)
		plan := ""
		for rows.Next() {
			var id, parent, unused int
			var step string
			require.NoError(t, rows.Scan(&id, &parent, &unused, &step))
			plan += step + "\n"
		}
		require.NoError(t, rows.Err())
		require.NoError(t, rows.Close()) //nolint:sqlclosecheck // within a loop: a defer would come too late
		require.Contains(t, plan, index, query)
		require.NotContains(t, plan, "TEMP B-TREE", query)
	}
}

// Audit finds what it is for.
func TestAuditFinds(t *testing.T) {
	t.Parallel()
	for query, says := range map[string]string{
		`UPDATE accounts SET balance = balance + 1`:                             "its entries make",
		`UPDATE runs SET reservation = 'refunded'`:                              "in the ledger",
		`UPDATE runs SET reservation = 'pending'`:                               "in the ledger",
		`UPDATE generations SET last_event = last_event + 1`:                    "its log ends",
		`INSERT INTO accounts VALUES (randomblob(16), 100, 0, 0, 0)`:            "its entries make",
		`UPDATE accounts SET held = 0, balance = NULL WHERE event_position = 1`: "its entries make",
		`UPDATE accounts SET event_position = event_position + 1`:               "the counter says",
		`UPDATE generation_counts SET n = n + 1 WHERE status = 'Failed'`:        "0 generations are Failed",
	} {
		path := file(t)
		s := open(t, path, sqlite.Options{InitialCredits: 1000})
		write(t, s)
		_, faults, err := s.Audit(t.Context())
		require.NoError(t, err)
		require.Empty(t, faults)
		_, err = raw(t, path).ExecContext(t.Context(), query)
		require.NoError(t, err)
		_, faults, err = s.Audit(t.Context())
		require.NoError(t, err)
		require.NotEmpty(t, faults, query)
		require.Contains(t, faults[0], says, query)
	}
}

// A full disk fails the call, clearly and whole; with room again the store goes on.
func TestDiskFull(t *testing.T) {
	t.Parallel()
	s := open(t, file(t), sqlite.Options{InitialCredits: 1000, Logger: quiet})
	before := write(t, s)
	s.LimitPages(t, 1) // cannot be less than there are: no more than now
	var refused error
	for range 200 {
		batch := []*app.Change{accept(t, policy(), aigen.ID(uuid.New())), accept(t, policy(), aigen.ID(uuid.New()))}
		errs := s.Apply(t.Context(), batch)
		if refused = errs[0]; refused != nil {
			require.ErrorIs(t, errs[1], sqlite.ErrDiskFull)
			require.Zero(t, batch[0].Generation.Version)
			break
		}
	}
	require.ErrorIs(t, refused, sqlite.ErrDiskFull)
	_, err := s.Get(t.Context(), before.Generation.ID)
	require.NoError(t, err, "reading goes on")
	s.LimitPages(t, 1<<30)
	write(t, s)
	_, faults, err := s.Audit(t.Context())
	require.NoError(t, err)
	require.Empty(t, faults)
}
