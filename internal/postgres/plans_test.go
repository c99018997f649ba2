package postgres

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/app"
	"github.com/creativeflow/aigen/internal/ledger"
	"github.com/creativeflow/aigen/internal/operations"
	"github.com/creativeflow/aigen/internal/outbox"
)

// statement is one that the store has sent, with its arguments and its plan.
type statement struct {
	of   string // the method that sent it
	sql  string
	args []any
	plan string
}

// recorder notes what a store sends: pgx tells it.
type recorder struct {
	mu   sync.Mutex
	of   string
	list []statement
}

func (r *recorder) note(sql string, args []any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if strings.HasPrefix(sql, "BEGIN") || sql == "COMMIT" || sql == "ROLLBACK" || strings.HasPrefix(sql, "SELECT set_config") || r.of == "" ||
		slices.ContainsFunc(r.list, func(s statement) bool { return s.sql == sql && s.of == r.of }) {
		return
	}
	r.list = append(r.list, statement{of: r.of, sql: sql, args: args})
}

func (r *recorder) TraceQueryStart(ctx context.Context, _ *pgx.Conn, d pgx.TraceQueryStartData) context.Context {
	r.note(d.SQL, d.Args)
	return ctx
}
func (r *recorder) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}
func (r *recorder) TraceBatchStart(ctx context.Context, _ *pgx.Conn, d pgx.TraceBatchStartData) context.Context {
	for _, q := range d.Batch.QueuedQueries {
		r.note(q.SQL, q.Arguments)
	}
	return ctx
}
func (r *recorder) TraceBatchQuery(context.Context, *pgx.Conn, pgx.TraceBatchQueryData) {}
func (r *recorder) TraceBatchEnd(context.Context, *pgx.Conn, pgx.TraceBatchEndData)     {}

// seed fills an empty database with n generations and what goes with them: a hundred
// for each user, one in a hundred not ended, 2,000 deliveries that wait.
const seed = `
SET synchronous_commit = off;
CREATE TEMP TABLE g AS SELECT i, gen_random_uuid() AS id, md5('user' || i %% greatest(%[1]d / 100, 1))::uuid AS user_id, gen_random_uuid() AS run,
	now() - (%[1]d - i) * interval '100 ms' AS at, i %% 100 = 0 AS live FROM generate_series(1, %[1]d) AS i;
INSERT INTO generations (id, user_id, project_id, prompt, selected_sample_id, style, final_asset_id, parameters, status, ai_model, due_at,
	created_at, version, updated_at, last_event, status_since)
	SELECT id, user_id, md5('project' || i %% 1000)::uuid, 'a red fox in the snow, watercolour', '', 'soft light', '',
	'{"format":"InstagramStory","resolution":"1080x1920","samples":4}', CASE WHEN live THEN 'ProcessingSamples' ELSE 'Completed' END, 'model',
	CASE WHEN live THEN at + interval '30 days' END, at, 1, at, 1, at FROM g;
INSERT INTO runs (generation_id, number, id, user_id, sample_id, stage, resolution, amount, reservation, deadline, jobs, created_at)
	SELECT id, 1, run, user_id, '', 'samples', '', 100, CASE WHEN live THEN 'held' ELSE 'deducted' END, at, '[]', at FROM g;
INSERT INTO events SELECT id, 1, user_id, row_number() OVER (PARTITION BY user_id ORDER BY i), 'generation_created', at,
	'{"generationId":"' || id || '","status":"ProcessingSamples"}' FROM g ORDER BY i;
INSERT INTO accounts SELECT user_id, 1000000, 100 * count(*) FILTER (WHERE live), count(*), 0 FROM g GROUP BY user_id;
INSERT INTO ledger_entries (user_id, kind, amount, run_id, generation_id, balance_after, held_after, at)
	SELECT user_id, 'reserve', 100, run, id, 1000000, 100, at FROM g ORDER BY i;
INSERT INTO ledger_entries (user_id, kind, amount, run_id, generation_id, balance_after, held_after, at)
	SELECT user_id, 'deduct', 100, run, id, 1000000, 0, at FROM g WHERE NOT live ORDER BY i;
INSERT INTO deliveries SELECT gen_random_uuid(), 'jobs', 'sample_generation', user_id, id, run, '{"jobId":"x"}', 'waiting', 1, at,
	CASE WHEN i %% 10 = 0 THEN 'explain' END, CASE WHEN i %% 10 = 0 THEN now() + interval '1 hour' END, '', at, '' FROM g ORDER BY i DESC LIMIT 2000;
INSERT INTO idempotency_keys SELECT user_id, 'key ' || i, sha256('x'), id, run, '{}', at, at + interval '24 hours' FROM g WHERE i %% 10 = 0;
`

// stopCommits makes every commit that has changed something fail. So a store can be
// made to send what it would, and nothing changes.
const stopCommits = `CREATE FUNCTION stop() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'stopped'; END $$;
DO $$ DECLARE name text; BEGIN
	FOREACH name IN ARRAY ARRAY['generations', 'deliveries', 'accounts', 'idempotency_keys'] LOOP
		EXECUTE format('CREATE CONSTRAINT TRIGGER stop AFTER INSERT OR UPDATE OR DELETE ON %I DEFERRABLE INITIALLY DEFERRED
			FOR EACH ROW EXECUTE FUNCTION stop()', name);
	END LOOP;
END $$`

// Plans fills a database with n generations, lets a store do all that it does all the
// time with size changes at once, and returns what it has sent, with the plans. Plans
// are those for any arguments, as a connection keeps them; reads may or may not read
// whole tables, writes never.
func (Internals) Plans(t *testing.T, url string, n, size int, readAll bool, explain string) []statement {
	t.Helper()
	r := new(recorder)
	config, err := poolConfig(url, Options{})
	require.NoError(t, err)
	config.ConnConfig.Tracer = r
	s := &Store{initial: 1000, log: slog.New(slog.DiscardHandler), patience: time.Minute, settings: settings(time.Minute, time.Minute), look: unansweredLook}
	s.unanswered.open()
	s.pool, err = pgxpool.NewWithConfig(t.Context(), config)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	require.NoError(t, s.migrate(t.Context(), false))

	c, err := pgx.Connect(t.Context(), url)
	require.NoError(t, err)
	t.Cleanup(func() { _ = c.Close(context.Background()) })
	require.NoError(t, registerLists(c.TypeMap()))
	run := func(script string) {
		t.Helper()
		_, err := c.PgConn().Exec(t.Context(), script).ReadAll()
		require.NoError(t, err)
	}
	run(fmt.Sprintf(seed, n))
	run(`VACUUM ANALYZE`)
	run(stopCommits)
	r.everything(t, s, c, size)
	run(`DROP FUNCTION stop CASCADE`)
	run(`SET plan_cache_mode = force_generic_plan`)
	for i := range r.list {
		r.list[i].explain(t, c, s, readAll, explain)
	}
	return r.list
}

// everything calls what is called all the time.
func (r *recorder) everything(t *testing.T, s *Store, c *pgx.Conn, size int) {
	t.Helper()
	ctx := t.Context()
	begin := func(method string) { r.of = method }
	defer begin("")
	now := time.Now()
	var users, live []aigen.ID
	scan := func(to *[]aigen.ID, sql string) {
		rows, err := c.Query(ctx, sql)
		require.NoError(t, err)
		require.NoError(t, each(func(r pgx.Rows) error {
			var id aigen.ID
			err := r.Scan((*idColumn)(&id))
			*to = append(*to, id)
			return err
		})(rows))
	}
	scan(&users, fmt.Sprintf(`SELECT user_id FROM accounts ORDER BY md5(user_id::text) LIMIT %d`, size))
	scan(&live, fmt.Sprintf(`SELECT id FROM generations WHERE status = 'ProcessingSamples' ORDER BY md5(id::text) LIMIT %d`, size))
	p := &aigen.Policy{
		Pricing: aigen.Pricing{Sample: 25, Final: 100, FinalHighResolution: 200}, Now: time.Now,
		NewID: func() aigen.ID { return aigen.ID(uuid.Must(uuid.NewV7())) },
	}

	begin("Get")
	var changes []*app.Change
	for _, id := range live {
		g, err := s.Get(ctx, id)
		require.NoError(t, err)
		changes = append(changes, cancelling(t, p, g))
	}
	begin("Get, many at once")
	_, err := s.GetMany(ctx, live)
	require.NoError(t, err)
	begin("List")
	list, err := s.List(ctx, app.ListQuery{UserID: users[0], Limit: 20})
	require.NoError(t, err)
	last := list[len(list)-1]
	_, err = s.List(ctx, app.ListQuery{
		UserID: users[0], Limit: 20, Status: aigen.StatusCompleted, Before: &app.Cursor{CreatedAt: last.CreatedAt, ID: last.ID},
	})
	require.NoError(t, err)
	begin("Events, UserEvents, LastPosition, Balance")
	_, err = s.Events(ctx, live[0], 0, 100)
	require.NoError(t, err)
	_, err = s.UserEvents(ctx, users[0], 50, 100)
	require.NoError(t, err)
	_, err = s.LastPosition(ctx, users[0])
	require.NoError(t, err)
	_, err = s.Balance(ctx, users[0])
	require.NoError(t, err)
	begin("CountQueued")
	_, err = s.CountQueued(ctx, users[0], 200)
	require.NoError(t, err)
	begin("IdempotencyRecord")
	_, err = s.IdempotencyRecord(ctx, users[0], "no such key", now)
	require.ErrorIs(t, err, app.ErrNoRecord)

	stopped := func(errs ...error) {
		t.Helper()
		for _, err := range errs {
			var e *pgconn.PgError
			require.ErrorAs(t, err, &e)
			require.Equal(t, "stopped", e.Message)
		}
	}
	begin("Apply: generations are cancelled, refunded")
	stopped(s.Apply(ctx, changes)...)
	begin("Apply: what became of changes when the answer to their commit was lost")
	encoded := make([]encodedChange, len(changes))
	for i, c := range changes {
		if encoded[i] = encodeChange(c); i%2 == 0 {
			encoded[i].change = &app.Change{Generation: c.Generation, From: c.From}
		}
	}
	markUnknown(encoded)
	require.NoError(t, s.write(ctx, "look", func(ctx context.Context, t *tx) error {
		newBatch(s.initial, encoded, true).findCommitted(t)
		return t.send(ctx)
	}))
	begin("Apply: new generations with idempotency keys, of users who are known and of new ones")
	changes = nil
	for i, user := range users {
		if i%4 == 0 {
			user = p.NewID()
		}
		changes = append(changes, accepting(t, p, user))
	}
	stopped(s.Apply(ctx, changes)...)
	begin("ClaimDeliveries")
	_, err = s.ClaimDeliveries(ctx, outbox.Claim{Queue: outbox.QueueJobs, Owner: "explain", Limit: 2 * size, Now: now, Until: now.Add(time.Minute)})
	stopped(err)
	begin("WaitingUsers, and the claim for one")
	waiting, err := s.WaitingUsers(ctx, outbox.QueueJobs, now)
	require.NoError(t, err)
	_, err = s.ClaimDeliveries(ctx, outbox.Claim{Queue: outbox.QueueJobs, User: waiting[0], Owner: "explain", Limit: 1, Now: now, Until: now.Add(time.Minute)})
	stopped(err)
	var owned []aigen.ID
	scan(&owned, fmt.Sprintf(`SELECT id FROM deliveries WHERE owner = 'explain' LIMIT %d`, size))
	begin("ExtendLeases")
	stopped(s.ExtendLeases(ctx, "explain", owned, now.Add(time.Hour)))
	begin("FinishDeliveries")
	results := make([]outbox.DeliveryResult, len(owned))
	for i, id := range owned {
		results[i] = outbox.DeliveryResult{ID: id, Disposition: outbox.Disposition(i % 4), RetryAt: now, Error: "gone"}
	}
	stopped(s.FinishDeliveries(ctx, "explain", results))

	begin("Due, once a second")
	_, err = s.Due(ctx, now, 100)
	require.NoError(t, err)
	begin("Purge, every ten minutes")
	_, err = s.Purge(ctx, now.Add(48*time.Hour), 1000)
	stopped(err)
	begin("RemoveEnded, while there is something to remove")
	_, err = s.RemoveEnded(ctx, now.Add(48*time.Hour), size)
	stopped(err)
	begin("Stats, at each look at /metrics")
	_, err = s.Stats(ctx)
	require.NoError(t, err)
	r.operators(t, s, users[0], owned, now)
}

// operators calls what those who run the service ask for.
func (r *recorder) operators(t *testing.T, s *Store, user aigen.ID, owned []aigen.ID, now time.Time) {
	t.Helper()
	ctx := t.Context()
	begin := func(method string) { r.of = "Operators: " + method }
	begin("ListAll")
	for _, q := range []operations.AllQuery{
		{},
		{Status: aigen.StatusFailed},
		{Status: aigen.StatusProcessingSamples},
		{UserID: user, Status: aigen.StatusCompleted},
		{ProjectID: user, From: now.Add(-time.Hour), To: now, Before: user},
	} {
		q.Limit = 21
		_, err := s.ListAll(ctx, q)
		require.NoError(t, err)
	}
	begin("FindRun")
	_, err := s.FindRun(ctx, user, now.Add(-time.Hour), now)
	require.ErrorIs(t, err, aigen.ErrNotFound)
	begin("Entries")
	_, err = s.Entries(ctx, []aigen.ID{user})
	require.NoError(t, err)
	begin("Activity, of an hour")
	_, err = s.Activity(ctx, operations.ActivityQuery{From: now.Add(-time.Hour), To: now, Width: time.Minute, Sample: 100})
	require.NoError(t, err)
	begin("DeadCauses, ListDeliveries")
	_, err = s.DeadCauses(ctx, 100)
	require.NoError(t, err)
	_, err = s.ListDeliveries(ctx, outbox.DeliveryQuery{State: outbox.DeliveryDead, Queue: outbox.QueueJobs, Limit: 21})
	require.NoError(t, err)
	begin("Actions")
	_, err = s.Actions(ctx, operations.ActionQuery{GenerationID: user, Limit: 21})
	require.NoError(t, err)
	begin("SettleDeliveries")
	for _, action := range []app.OperatorActionKind{app.ActionRetry, app.ActionDrop} {
		_, err = s.ActOnDeliveries(ctx, operations.DeliveryAction{
			Action: action, IDs: owned, By: aigen.OperatorNote{ID: user, Reason: "why"}, Now: now.Add(2 * time.Hour),
		})
		var e *pgconn.PgError
		require.ErrorAs(t, err, &e)
		require.Equal(t, "stopped", e.Message)
	}
	r.of = ""
}

func cancelling(t *testing.T, p *aigen.Policy, g *aigen.Generation) *app.Change {
	t.Helper()
	require.NoError(t, g.Cancel(p))
	events, _ := g.Drain()
	r := g.Runs[0]
	return &app.Change{Generation: g, From: g.Version, Events: events, Postings: []ledger.Posting{
		{Kind: ledger.Refund, UserID: g.UserID, GenerationID: g.ID, RunID: r.ID, Amount: r.Amount, At: g.UpdatedAt},
	}}
}

func accepting(t *testing.T, p *aigen.Policy, user aigen.ID) *app.Change {
	t.Helper()
	in, err := aigen.NewInput("a red fox in the snow", "", nil)
	require.NoError(t, err)
	g := aigen.New(p, user, p.NewID(), in, aigen.Options{})
	run, _ := g.PendingRun()
	_, err = g.ConfirmReservation(p, run.ID)
	require.NoError(t, err)
	events, effects := g.Drain()
	return &app.Change{
		Generation: g, Events: events,
		Deliveries: []outbox.Delivery{{
			ID: effects[0].JobID, Kind: outbox.DeliverSampleJob, UserID: user, GenerationID: g.ID, RunID: run.ID, Payload: []byte(`{}`), CreatedAt: g.CreatedAt,
		}},
		Postings: []ledger.Posting{{Kind: ledger.Reserve, UserID: user, GenerationID: g.ID, RunID: run.ID, Amount: run.Amount, At: g.CreatedAt}},
		Record: &app.IdempotencyRecord{
			UserID: user, Key: g.ID.String(), GenerationID: g.ID, RunID: run.ID, CreatedAt: g.CreatedAt, ExpiresAt: g.CreatedAt.Add(24 * time.Hour),
		},
	}
}

// explain asks for the plan in a transaction that is undone.
func (st *statement) explain(t *testing.T, c *pgx.Conn, s *Store, readAll bool, how string) {
	t.Helper()
	ctx := t.Context()
	sum := sha256.Sum256([]byte(st.sql))
	name := "s" + hex.EncodeToString(sum[:4])
	exec := func(sql string) {
		_, err := c.PgConn().Exec(ctx, sql).ReadAll()
		require.NoError(t, err, sql)
	}
	exec(`BEGIN`)
	defer exec(`ROLLBACK`)
	if !readAll || !strings.HasPrefix(st.sql, "SELECT") || strings.Contains(st.sql, "FOR ") || strings.HasPrefix(st.of, "Due") {
		exec(s.settings)
	}
	if st.sql == deleteGenerations {
		exec(`SET LOCAL session_replication_role = replica`) // alone, it would be refused: the events went in a statement before
	}
	exec(`PREPARE ` + name + ` AS ` + st.sql)
	defer exec(`DEALLOCATE ` + name)
	// As text: the statement is ours by name, and the types are known to it.
	params := make([]string, len(st.args))
	for i := range st.args {
		params[i] = fmt.Sprintf("$%d", i+1)
	}
	query := how + ` EXECUTE ` + name
	if len(params) > 0 {
		query += `(` + strings.Join(params, ", ") + `)`
	}
	rows, err := c.Query(ctx, query, append([]any{pgx.QueryExecModeSimpleProtocol}, st.args...)...)
	require.NoError(t, err)
	lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(t, err, st.sql)
	st.plan = strings.Join(lines, "\n")
}
