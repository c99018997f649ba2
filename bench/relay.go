package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// measureRelay fills the outbox, starts the service, and watches the queue grow: from
// a tenth of the jobs to nine tenths, so that neither the start nor the end counts.
func (b *bench) measureRelay(ctx context.Context) error {
	jobs := 10_000 * int(b.o.length.Seconds())
	database, err := b.newDatabase(ctx)
	if err != nil {
		return err
	}
	if err := b.fillOutbox(ctx, database, jobs); err != nil {
		return err
	}
	before := [3]time.Duration{0, b.spent(nil)[1], b.spent(nil)[2]}
	s, err := b.startSystem(ctx, 1, database, nil)
	if err != nil {
		return err
	}
	profiled := s.profile(ctx, "relay", b.o.length/2)
	rate, err := s.queue.growth(jobs)
	err = errors.Join(err, profiled())
	if err != nil {
		return errors.Join(err, s.stop())
	}
	b.report.add("relay", "/s", rate)
	b.addSpent("relay", before, b.spent(s.services), float64(jobs))
	return s.drop(ctx)
}

func (b *bench) fillOutbox(ctx context.Context, database string, jobs int) error {
	conn, err := pgx.Connect(ctx, database)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	now := time.Now()
	columns := []string{
		"id", "lane", "kind", "user_id", "generation_id", "run_id", "payload", "state", "attempts", "available_at", "last_error",
		"created_at", "trace",
	}
	_, err = conn.CopyFrom(ctx, pgx.Identifier{"deliveries"}, columns, pgx.CopyFromSlice(jobs, func(i int) ([]any, error) {
		id, generation, u := uuid.Must(uuid.NewV7()), uuid.Must(uuid.NewV7()), uuid.UUID(b.users[i%len(b.users)].id)
		return []any{
			id, "jobs", "sample_generation", u, generation, uuid.Must(uuid.NewV7()),
			samplePayload(id.String(), generation.String(), u.String()) + "}", "waiting", 0, now, "", now, "",
		}, nil
	}))
	if err != nil {
		return err
	}
	return b.sql(ctx, database, generationsOfJobs, "VACUUM ANALYZE deliveries", "VACUUM ANALYZE generations", "CHECKPOINT")
}

// A job without a generation that awaits it is not handed over.
const generationsOfJobs = `SET session_replication_role = replica; -- no triggers
INSERT INTO generations (id, user_id, project_id, prompt, style, parameters, status, selected_sample_id, final_asset_id, ai_model,
	due_at, created_at, updated_at, status_since, version, last_event)
SELECT generation_id, user_id, md5('project')::uuid, 'a red fox in the snow', '', '{}', 'ProcessingSamples', '', '', '',
	created_at + interval '1 hour', created_at AS created, created_at AS updated, created_at AS since, 1, 1
FROM deliveries`

// growth is the rate at which the queue gets messages, until it has want of them.
func (q *queue) growth(want int) (float64, error) {
	var first, last time.Time
	var low, high int
	for deadline := time.Now().Add(5 * time.Minute); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		state, err := q.channel.QueueDeclarePassive(q.name, true, false, false, false, nil)
		now := time.Now()
		switch {
		case err != nil:
			return 0, err
		case first.IsZero() && state.Messages >= want/10:
			first, low = now, state.Messages
		case !first.IsZero() && last.IsZero() && state.Messages >= want*9/10:
			last, high = now, state.Messages
		}
		if state.Messages == want {
			return float64(high-low) / last.Sub(first).Seconds(), nil
		}
		if state.Messages > want {
			return 0, fmt.Errorf("%d jobs were published, of %d", state.Messages, want)
		}
	}
	return 0, errors.New("the jobs were not published within 5 minutes")
}
