package postgres_test

import (
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen/internal/app"
	"github.com/creativeflow/aigen/internal/postgres"
)

// The rules of the schema hold against anybody who writes to the database.
func TestSchemaRefuses(t *testing.T) {
	t.Parallel()
	url := database(t)
	s := open(t, url, postgres.Options{InitialCredits: 1000})
	c := write(t, s)
	c.Record = &app.IdempotencyRecord{
		UserID: c.Generation.UserID, Key: "k", GenerationID: c.Generation.ID,
		CreatedAt: time.Now(), ExpiresAt: time.Now().Add(time.Hour),
	}
	c.From, c.Events, c.Deliveries, c.Postings = 1, nil, nil, nil
	require.NoError(t, s.Apply(t.Context(), []*app.Change{c})[0])

	settled := accept(t, policy(), c.Generation.UserID)
	require.NoError(t, s.Apply(t.Context(), []*app.Change{settled})[0])
	settled = next(t, policy(), settled.Generation, cancelled(policy()))
	require.NoError(t, s.Apply(t.Context(), []*app.Change{settled})[0])

	db := raw(t, url)
	refused := func(query string, args ...any) {
		t.Helper()
		_, err := db.Exec(t.Context(), query, args...)
		var e *pgconn.PgError
		require.ErrorAs(t, err, &e, query)
		require.Contains(t, []string{"22", "23"}, e.Code[:2], "%s: %v", query, err)
	}
	for _, query := range []string{
		`UPDATE generations SET status = 'Lost'`,
		`UPDATE generations SET version = 0`,
		`UPDATE generations SET parameters = '{'`,
		`UPDATE generations SET due_at = now() WHERE status = 'Cancelled'`,
		`UPDATE generations SET status = 'Pending' WHERE status = 'Cancelled'`,
		`UPDATE generations SET updated_at = created_at - interval '1 us'`,
		`UPDATE generations SET status_since = updated_at + interval '1 us'`,
		`UPDATE generations SET id = 'one'`,
		`DELETE FROM generations`, // it has events
		`UPDATE runs SET reservation = 'gone'`,
		`UPDATE runs SET reservation = 'held' WHERE reservation = 'refunded'`,
		`UPDATE runs SET amount = -1`,
		`UPDATE runs SET stage = 'third'`,
		`UPDATE runs SET generation_id = gen_random_uuid()`,
		`UPDATE events SET position = 0`,
		`UPDATE events SET position = 1`,
		`UPDATE events SET generation_id = gen_random_uuid()`,
		`UPDATE deliveries SET kind = 'letter'`,
		`UPDATE deliveries SET lane = 'slow'`,
		`UPDATE deliveries SET state = 'asleep'`,
		`UPDATE deliveries SET attempts = -1`,
		`UPDATE deliveries SET payload = 'no json'`,
		`UPDATE deliveries SET state = 'dead', owner = 'me', leased_until = now()`,
		`UPDATE deliveries SET owner = 'me'`, // until when?
		`UPDATE accounts SET held = balance + 1`,
		`UPDATE accounts SET held = -1`,
		`UPDATE accounts SET balance = NULL`, // credits are held
		`UPDATE accounts SET event_position = -1`,
		`UPDATE ledger_entries SET amount = 1`,
		`DELETE FROM ledger_entries`,
		`TRUNCATE ledger_entries`,
		`UPDATE idempotency_keys SET request_hash = '\x00'`,
		`UPDATE idempotency_keys SET expires_at = created_at`,
		`UPDATE idempotency_keys SET answer = '['`,
	} {
		refused(query)
	}
	const entry = `INSERT INTO ledger_entries (kind, run_id, amount, reference, balance_after, held_after, user_id, at) VALUES (`
	run := settled.Generation.Runs[0].ID.String()
	for _, values := range []string{
		`'deduct', $1::uuid, 1, NULL, 0, 0`, // after its refund
		`'refund', $1::uuid, 1, NULL, 0, 0`,
		`'reserve', $1::uuid, 1, NULL, 1, 1`,
	} {
		refused(entry+values+`, gen_random_uuid(), now())`, run)
	}
	for _, values := range []string{
		`'reserve', gen_random_uuid(), 0, NULL, 1, 1`,
		`'gift', NULL, 1, 'r', 1, 1`,
		`'grant', NULL, 1, NULL, 1, 0`,
		`'reserve', NULL, 1, NULL, 1, 1`,
		`'reserve', gen_random_uuid(), 1, NULL, 0, 1`, // more held than there is
	} {
		refused(entry + values + `, gen_random_uuid(), now())`)
	}
	checkInvariants(t, s)
}

// Audit finds what it is for.
func TestAuditFinds(t *testing.T) {
	t.Parallel()
	for query, says := range map[string]string{
		`UPDATE accounts SET balance = balance + 1`:                                           "its entries make",
		`UPDATE runs SET reservation = 'refunded'`:                                            "in the ledger",
		`UPDATE runs SET reservation = 'pending'`:                                             "in the ledger",
		`UPDATE generations SET last_event = last_event + 1`:                                  "its log ends",
		`INSERT INTO accounts VALUES (gen_random_uuid(), 100, 0, 0, 0)`:                       "its entries make",
		`UPDATE accounts SET held = 0, balance = NULL WHERE event_position = 1`:               "its entries make",
		`ALTER TABLE generations DISABLE TRIGGER generations_logged; DELETE FROM generations`: "has no generation",
		`UPDATE accounts SET event_position = 2`:                                              "the counter says",
		`UPDATE events SET position = 2`:                                                      "the counter says",
		`UPDATE generation_counts SET processing_samples = 0, pending = 0`:                    "counted as",
	} {
		url := database(t)
		s := open(t, url, postgres.Options{InitialCredits: 1000})
		write(t, s)
		checkInvariants(t, s)
		_, err := raw(t, url).Exec(t.Context(), query)
		require.NoError(t, err)
		_, faults, err := s.Audit(t.Context())
		require.NoError(t, err)
		require.NotEmpty(t, faults, query)
		require.Contains(t, faults[0], says, query)
	}
}
