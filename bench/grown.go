package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"
)

// measureGrown accepts on empty tables and on tables with the generations of years, in
// turn: filling takes minutes, in which a machine that others use becomes another one.
func (b *bench) measureGrown(ctx context.Context) error {
	grown, err := b.newDatabase(ctx)
	if err != nil {
		return err
	}
	began := time.Now()
	if err := b.seed(ctx, grown, b.o.rows); err != nil {
		return err
	}
	b.report.add(fmt.Sprintf("grown: time to make %d generations", b.o.rows), "s", time.Since(began).Seconds())
	if b.o.rows <= auditRows {
		if err := audit(ctx, grown); err != nil {
			return err
		}
	}
	for range b.o.rounds {
		empty, err := b.newDatabase(ctx)
		if err != nil {
			return err
		}
		if err := b.acceptOn(ctx, empty, "grown: empty tables, 128"); err != nil {
			return err
		}
		if err := b.dropDatabase(ctx, empty); err != nil {
			return err
		}
		if err := b.acceptOn(ctx, grown, "grown: accepting, 128"); err != nil {
			return err
		}
	}
	return b.dropDatabase(ctx, grown)
}

// auditRows is how many rows are looked through in little time; more are made alike.
const auditRows = 1_000_000

func (b *bench) acceptOn(ctx context.Context, database, name string) error {
	b.rest(ctx)
	s, err := b.startSystem(ctx, 1, database, nil)
	if err != nil {
		return err
	}
	profiled := s.profile(ctx, name, b.o.length)
	return errors.Join(b.loadCreates(ctx, name, s.services, 128, nil), profiled(), s.stop())
}

// Each row follows from its number, so that tables can be filled at the same time:
// ids that grow with the time, as those of the service do, and a hundred thousand
// users in turn. Every generation was made, reserved for and completed; the audit
// finds nothing wrong with them.
const (
	seedFunctions = `CREATE FUNCTION pg_temp.seed_id(kind text, i bigint) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$
	SELECT (lpad(to_hex(1700000000000 + i * 5), 12, '0') || '7' || substr(md5(kind || i), 1, 3) || '8' || substr(md5(kind || i), 4, 15))::uuid $$;
CREATE FUNCTION pg_temp.seed_user(i bigint) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$ SELECT md5('user' || i % 100000)::uuid $$;
CREATE FUNCTION pg_temp.seed_time(i bigint) RETURNS timestamptz LANGUAGE sql IMMUTABLE AS $$ SELECT to_timestamp(1700000000 + i * 0.005) $$;
SET session_replication_role = replica; -- no triggers
SET synchronous_commit = off`

	seedGenerations = `INSERT INTO generations (id, user_id, project_id, prompt, style, parameters, status, samples, selected_sample_id,
	final_asset_id, ai_model, created_at, updated_at, status_since, version, last_event)
SELECT pg_temp.seed_id('g', i), pg_temp.seed_user(i), md5('project' || i %% 1000)::uuid, 'a red fox in the snow, low sun, long shadows',
	'watercolour, muted colours', '{"format":"InstagramPost","resolution":"1080x1080","samples":4}', 'Completed', NULL, '', '', 'sdxl-1.0',
	t AS created, t AS updated, t AS since, 4, 1
FROM generate_series(0, %[1]d - 1) AS i, pg_temp.seed_time(i) AS t`
	seedRuns = `INSERT INTO runs (generation_id, number, id, user_id, stage, sample_id, resolution, amount, reservation, jobs, deadline, created_at)
SELECT pg_temp.seed_id('g', i), 1, pg_temp.seed_id('r', i), pg_temp.seed_user(i), 'samples', '', '', 100, 'deducted', '[]',
	pg_temp.seed_time(i), pg_temp.seed_time(i)
FROM generate_series(0, %[1]d - 1) AS i`
	seedEvents = `INSERT INTO events (generation_id, seq, user_id, position, type, at, data)
SELECT pg_temp.seed_id('g', i), 1, pg_temp.seed_user(i), i / 100000 + 1, 'generation_created', pg_temp.seed_time(i),
	'{"generationId":"' || pg_temp.seed_id('g', i) || '","status":"ProcessingSamples","stage":"samples","attempt":1}'
FROM generate_series(0, %[1]d - 1) AS i`
	seedLedger = `INSERT INTO ledger_entries (user_id, kind, amount, balance_after, held_after, at)
SELECT pg_temp.seed_user(i), 'open', 10000000, 10000000, 0, pg_temp.seed_time(0) FROM generate_series(0, least(%[1]d, 100000) - 1) AS i;
INSERT INTO ledger_entries (user_id, kind, amount, run_id, generation_id, balance_after, held_after, at)
SELECT pg_temp.seed_user(i), CASE k WHEN 0 THEN 'reserve' ELSE 'deduct' END, 100, pg_temp.seed_id('r', i), pg_temp.seed_id('g', i),
	10000000 - 100 * (i / 100000 + k), 100 * (1 - k), pg_temp.seed_time(i)
FROM generate_series(0, %[1]d - 1) AS i CROSS JOIN generate_series(0, 1) AS k`
	seedAccounts = `INSERT INTO accounts (user_id, balance, held, event_position)
SELECT pg_temp.seed_user(i), 10000000 - 100 * n, 0, n
FROM (SELECT i, (%[1]d - 1 - i) / 100000 + 1 AS n FROM generate_series(0, least(%[1]d, 100000) - 1) AS i) AS u;
INSERT INTO generation_counts VALUES (1000, 0, 0, 0, 0, %[1]d, 0, 0, 0)`
)

// seed fills an empty database. Indexes whose order is not that of the rows are made
// afterwards.
func (b *bench) seed(ctx context.Context, database string, rows int) error {
	if err := b.sql(ctx, database, "DROP INDEX generations_list", "DROP INDEX events_of_user"); err != nil {
		return err
	}
	lanes := [][]string{ // two at a time: as many as there are processors
		{seedGenerations, "CREATE INDEX generations_list ON generations (user_id, created_at DESC, id DESC)", seedRuns},
		{seedEvents, "CREATE UNIQUE INDEX events_of_user ON events (user_id, position)", seedLedger, seedAccounts},
	}
	g, ctx2 := errgroup.WithContext(ctx)
	for _, lane := range lanes {
		statements := []string{seedFunctions, "SET maintenance_work_mem = '1GB'"}
		for _, s := range lane {
			if s[:6] == "INSERT" {
				s = fmt.Sprintf(s, rows)
			}
			statements = append(statements, s)
		}
		g.Go(func() error { return b.scripts(ctx2, database, statements) })
	}
	if err := g.Wait(); err != nil {
		return err
	}
	return b.sql(ctx, database, "VACUUM (FREEZE, ANALYZE)", "CHECKPOINT")
}
