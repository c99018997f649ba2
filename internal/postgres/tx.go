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
	s        *Store
	conn     *pgxpool.Conn
	batch    *pgx.Batch
	patience time.Duration
	sent     bool // that is, begun
	decided  bool // committed, or in vain
	unknown  bool // the commit was sent, and what became of it is not known
	left     bool // with its connection, which still waits for the answer
	prove    bool // commit also what an earlier commit may have left to the primary alone
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

// write runs f, which ends with a commit, in a transaction. Others may win a race
// for a row, or the connection may be lost: then f runs again. If it is lost during
// the commit, f may run although it was committed; only Apply has to know, and looks.
func (s *Store) write(ctx context.Context, op string, f func(context.Context, *tx) error) error {
	return s.writeWith(ctx, op, attempt{settings: s.settings}, f)
}

// attempt is how a transaction is tried.
type attempt struct {
	settings  string
	unflushed bool // its commit waits for nothing
	prove     bool // see proof; and do not wait for longer than the context
}

func (s *Store) writeWith(ctx context.Context, op string, a attempt, f func(context.Context, *tx) error) error {
	return translate(op, s.retry(ctx, func() error {
		unknown, err := s.try(ctx, a, f)
		a.prove = a.prove || unknown // f may find its own work done
		return err
	}))
}

// unflushed goes after settings: the commit does not wait for the disk.
const unflushed = `, set_config('synchronous_commit', 'off', true)`

// writeAsync is write for the relay's own bookkeeping: leases and ends of deliveries. If
// the server loses the last moments of it in a crash, rows are delivered again, which
// every receiver can bear; so the disk is left to those whose callers wait for it.
func (s *Store) writeAsync(ctx context.Context, op string, f func(context.Context, *tx) error) error {
	return s.writeWith(ctx, op, attempt{settings: s.settings + unflushed, unflushed: true}, f)
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

// try runs f in a transaction once. unknown: it may have been committed, whatever err
// says.
func (s *Store) try(ctx context.Context, a attempt, f func(context.Context, *tx) error) (unknown bool, err error) {
	conn, err := s.acquireWithin(ctx, s.patience)
	if err != nil {
		return false, err
	}
	c := conn.Conn()
	t := &tx{s: s, conn: conn, batch: new(pgx.Batch), patience: s.patience, prove: a.prove}
	if end, ok := ctx.Deadline(); ok && a.prove {
		t.patience = min(t.patience, time.Until(end))
	}
	defer t.release()
	if !a.unflushed {
		if err := s.mayCommit(ctx, c); err != nil {
			return false, err
		}
	}
	t.queue(begin)
	t.queue(a.settings)
	if err = f(ctx, t); err == nil && a.prove && !t.decided {
		err = t.commit(ctx)
	}
	switch {
	case err == nil:
		return false, nil
	case t.left:
		// The server says nothing, and may not be the one that others have taken for the
		// primary meanwhile.
		s.pool.Reset()
		return true, err
	case ctx.Err() != nil && !t.decided:
		return t.unknown, fmt.Errorf("%w: %w", ctx.Err(), err)
	case t.sent && c.IsClosed():
		return t.unknown, fmt.Errorf("%w: %w", errLost, err)
	}
	return t.unknown, err
}

// release gives the connection back. One whose transaction cannot be ended is closed
// by the pool.
func (t *tx) release() {
	if t.left {
		return
	}
	if c := t.conn.Conn(); t.sent && !t.decided && !c.IsClosed() && c.PgConn().TxStatus() != 'I' {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_, _ = c.Exec(ctx, `ROLLBACK`)
	}
	t.conn.Release()
}

// execOne runs one statement, in one round trip, and reports how many rows it has
// changed.
func (s *Store) execOne(ctx context.Context, op, sql string, args ...any) (int, error) {
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
	return s.read(ctx, op, inSnapshot(f))
}

func inSnapshot(f func(b *pgx.Batch)) func(context.Context, *pgx.Conn) error {
	return func(ctx context.Context, c *pgx.Conn) error {
		b := new(pgx.Batch)
		b.Queue(beginRead)
		f(b)
		b.Queue(`COMMIT`)
		return c.SendBatch(ctx, b).Close()
	}
}
