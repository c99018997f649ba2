package postgres

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

const begin = `BEGIN ISOLATION LEVEL READ COMMITTED`

// settings is the query that begins a transaction which writes. What it sets ends
// with the transaction, as a pooler needs it.
//
// The plans of our statements are wanted before there are statistics: a statement is
// planned on an empty table, where reading all of it seems cheapest, and the server
// keeps that plan until the table is analyzed, a minute and a million rows later.
// Each of them finds its rows by an index, in a loop over few values, and may not be
// planned otherwise.
func settings(lock, statement time.Duration) string {
	return fmt.Sprintf(`SELECT set_config('lock_timeout', '%d', true), set_config('statement_timeout', '%d', true),
	set_config('enable_seqscan', 'off', true), set_config('enable_hashjoin', 'off', true), set_config('enable_mergejoin', 'off', true)`,
		lock.Milliseconds(), statement.Milliseconds())
}

// tx is a transaction on its way: statements are queued, and sent together.
type tx struct {
	conn     *pgxpool.Conn
	batch    *pgx.Batch
	patience time.Duration
	sent     bool // that is, begun
	decided  bool // committed, or in vain
	unknown  bool // the commit was sent and has no answer
}

// queue adds a statement to the next round trip.
func (t *tx) queue(sql string, args ...any) *pgx.QueuedQuery { return t.batch.Queue(sql, args...) }

// send makes the round trip.
func (t *tx) send(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, t.patience)
	defer cancel()
	batch := t.batch
	t.batch, t.sent = new(pgx.Batch), true
	return t.conn.SendBatch(ctx, batch).Close()
}

// commit sends what is queued and the commit, in one. A ctx that has ended by now
// prevents it; one that ends later does not, since it would be too late.
func (t *tx) commit(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	t.queue(`COMMIT`).Exec(func(tag pgconn.CommandTag) error {
		if tag.String() != "COMMIT" {
			return fmt.Errorf("the server answered COMMIT with %s", tag)
		}
		return nil
	})
	err := t.send(context.WithoutCancel(ctx))
	t.decided = err == nil
	t.unknown = err != nil && !definite(err) && t.conn.Conn().IsClosed()
	return err
}

// write runs f, which ends with a commit, in a transaction. Others may win a race
// for a row, or the connection may be lost: then f runs again. If it is lost during
// the commit, f may run although it was committed; only Apply has to know, and looks.
func (s *Store) write(ctx context.Context, op string, f func(context.Context, *tx) error) error {
	return s.writeWith(ctx, op, s.settings, f)
}

func (s *Store) writeWith(ctx context.Context, op, settings string, f func(context.Context, *tx) error) error {
	return translate(op, s.retry(ctx, func() error { return s.try(ctx, settings, f) }))
}

// unflushed goes after settings: the commit does not wait for the disk.
const unflushed = `, set_config('synchronous_commit', 'off', true)`

// note is write for the relay's own bookkeeping: leases and ends of deliveries. If
// the server loses the last moments of it in a crash, rows are delivered again, which
// every receiver can bear; so the disk is left to those whose callers wait for it.
func (s *Store) note(ctx context.Context, op string, f func(context.Context, *tx) error) error {
	return s.writeWith(ctx, op, s.settings+unflushed, f)
}

// maxTries bounds how often a transaction is begun. Of those that contend one wins.
const maxTries = 20

// retry calls f again after a race, and after the loss of a connection: the pool may
// hold many to a server that was restarted.
func (s *Store) retry(ctx context.Context, f func() error) error {
	lost := 0
	for try := 1; ; try++ {
		err := f()
		switch {
		case err == nil, ctx.Err() != nil, try == maxTries:
			return err
		case errors.Is(err, errLost):
			// Not one connection but the server, or the way to it: the idle ones of the
			// pool are lost too.
			s.pool.Reset()
			if lost++; lost == 4 {
				return err
			}
		case !errors.Is(kindOf(err), errContended) && !errors.Is(err, errContended) && !insertedByOthers(err):
			return err
		}
		s.log.DebugContext(ctx, "postgres: once more", "try", try, "error", err)
		if err := pause(ctx, try); err != nil {
			return err
		}
	}
}

// pause lets those who won finish; the jitter keeps losers from meeting again.
func pause(ctx context.Context, try int) error {
	limit := 2 * time.Millisecond << min(try, 6)
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(rand.N(limit)): //nolint:gosec // G404: jitter, not a secret
		return nil
	}
}

// try runs f in a transaction once.
func (s *Store) try(ctx context.Context, settings string, f func(context.Context, *tx) error) error {
	conn, err := s.acquire(ctx)
	if err != nil {
		return err
	}
	t := &tx{conn: conn, batch: new(pgx.Batch), patience: s.patience}
	defer t.release()
	t.queue(begin)
	t.queue(settings)
	err = f(ctx, t)
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil && !t.decided:
		return fmt.Errorf("%w: %w", ctx.Err(), err)
	case t.sent && conn.Conn().IsClosed():
		return fmt.Errorf("%w: %w", errLost, err)
	}
	return err
}

// release gives the connection back. One whose transaction cannot be ended is closed
// by the pool.
func (t *tx) release() {
	if c := t.conn.Conn(); t.sent && !t.decided && !c.IsClosed() && c.PgConn().TxStatus() != 'I' {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_, _ = c.Exec(ctx, `ROLLBACK`)
	}
	t.conn.Release()
}

// change runs one statement, in one round trip, and reports how many rows it has
// changed.
func (s *Store) change(ctx context.Context, op, sql string, args ...any) (int, error) {
	var n int64
	err := s.write(ctx, op, func(ctx context.Context, t *tx) error {
		t.queue(sql, args...).Exec(func(tag pgconn.CommandTag) error {
			n = tag.RowsAffected()
			return nil
		})
		return t.commit(ctx)
	})
	if err != nil {
		return 0, err
	}
	return int(n), nil
}

// snapshot runs the queries that f queues in one round trip, all of one moment.
func (s *Store) snapshot(ctx context.Context, op string, f func(b *pgx.Batch)) error {
	return s.view(ctx, op, inSnapshot(f))
}

func inSnapshot(f func(b *pgx.Batch)) func(context.Context, *pgx.Conn) error {
	return func(ctx context.Context, c *pgx.Conn) error {
		b := new(pgx.Batch)
		b.Queue(beginView)
		f(b)
		b.Queue(`COMMIT`)
		return c.SendBatch(ctx, b).Close()
	}
}
