package postgres

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// A commit that was sent is never cancelled. With synchronous standbys the server holds
// the answer back until they have the commit, for as long as that takes. A cancel
// request ends that wait: then the server says COMMIT for what it alone has, which a
// failover loses. pgx sends one when a context ends, and whenever it closes a connection
// that is at work; so during a commit there is no context, and no cancel request leaves.
//
// A commit that is not answered in time keeps its connection, outside of the pool, and
// its outcome is not known.

// link is what we keep of a connection beside pgx.
type link struct {
	committing atomic.Bool // a commit was sent and not answered
	cancelled  atomic.Bool // the wait for the standbys was, by somebody else
}

const linkKey = "aigen"

func linkOf(c *pgx.Conn) *link {
	return c.PgConn().CustomData()[linkKey].(*link) //nolint:forcetypeassert,errcheck // set for every connection: a panic would be a defect
}

var errCommitting = errors.New("a commit is not cancelled")

// watchCommits gives a connection that is about to be made its link.
func watchCommits(_ context.Context, c *pgx.ConnConfig) error {
	l, dial := new(link), c.DialFunc
	c.DialFunc = func(ctx context.Context, network, address string) (net.Conn, error) {
		if l.committing.Load() { // pgx dials a second time for nothing but a cancel request
			return nil, errCommitting
		}
		return dial(ctx, network, address)
	}
	c.OnNotice = func(_ *pgconn.PgConn, n *pgconn.Notice) {
		// Its text may be in any language. It has no code but that of all warnings.
		if l.committing.Load() && (n.Routine == "SyncRepWaitForLSN" || n.Code == "01000") {
			l.cancelled.Store(true)
		}
	}
	c.AfterConnect = func(_ context.Context, p *pgconn.PgConn) error {
		p.CustomData()[linkKey] = l
		return nil
	}
	return nil
}

var (
	errUnanswered   = errors.New("the commit has no answer yet")
	errUnreplicated = errors.New("somebody cancelled the commit's wait for a synchronous standby: the primary alone may have it")
)

// proof makes a transaction write, so that its commit waits for the standbys, and for
// everything that was written before it: that a row is seen says only that the primary
// has it.
const proof = `SELECT pg_logical_emit_message(true, 'aigen', ''::text)`

// commit sends what is queued and the commit, in one. A ctx that has ended by now
// prevents it; one that ends later does not, since it would be too late.
func (t *tx) commit(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if t.prove {
		t.queue(proof)
	}
	t.queue(`COMMIT`).Exec(func(tag pgconn.CommandTag) error {
		if tag.String() != "COMMIT" {
			return fmt.Errorf("the server answered COMMIT with %s", tag)
		}
		return nil
	})
	c, batch := t.conn.Conn(), t.batch
	t.batch, t.sent = new(pgx.Batch), true
	l := linkOf(c)
	l.cancelled.Store(false)
	l.committing.Store(true)
	answer := make(chan error, 1)
	go func() { answer <- c.SendBatch(context.WithoutCancel(ctx), batch).Close() }()
	limit := time.NewTimer(t.patience)
	defer limit.Stop()
	select {
	case err := <-answer:
		return t.answered(c, l, err)
	case <-limit.C:
		t.unknown, t.left = true, true
		t.s.unanswered.add(t.s, t.conn, answer)
		return fmt.Errorf("%w: %w, after %s", ErrOutcomeUnknown, errUnanswered, t.patience)
	}
}

func (t *tx) answered(c *pgx.Conn, l *link, err error) error {
	if c.IsClosed() { // and pgx may be about to send a cancel request
		t.unknown = !definite(err)
		return err
	}
	l.committing.Store(false)
	t.decided = err == nil
	if t.decided && l.cancelled.Load() {
		t.unknown = true
		return fmt.Errorf("%w: %w", ErrOutcomeUnknown, errUnreplicated)
	}
	return err
}

// unanswered holds the connections of commits that have no answer.
type unanswered struct {
	mu     sync.Mutex
	closed bool
	list   []chan struct{} // closed to give one up, oldest first
	under  sync.WaitGroup
}

const (
	unansweredMost = 4                // of a process; then nothing more is written while standbys are waited for
	unansweredFor  = 10 * time.Minute // then a connection is given up: its server may be gone for good
)

func (u *unanswered) count() int {
	u.mu.Lock()
	defer u.mu.Unlock()
	return len(u.list)
}

// add waits for an answer in the background, to say what became of it. It gives up the
// oldest one if there are too many.
func (u *unanswered) add(s *Store, conn *pgxpool.Conn, answer <-chan error) {
	c := conn.Conn()
	defer conn.Hijack() // at last, since the pool's close waits for it
	u.mu.Lock()
	defer u.mu.Unlock()
	stop := make(chan struct{})
	if u.closed {
		close(stop)
	}
	if u.list = append(u.list, stop); len(u.list) > unansweredMost {
		close(u.list[0])
		u.list = u.list[1:]
	}
	u.under.Go(func() {
		since := time.Now()
		select {
		case err := <-answer:
			s.log.Info("postgres: a commit that had no answer was answered", "waited", time.Since(since), "committed", err == nil)
			_ = c.PgConn().Conn().Close()
		case <-time.After(unansweredFor):
			giveUp(c, answer)
		case <-stop:
			giveUp(c, answer)
		}
		u.remove(stop)
	})
}

// giveUp closes the socket under pgx: nothing is sent, the server goes on to wait.
func giveUp(c *pgx.Conn, answer <-chan error) {
	_ = c.PgConn().Conn().Close()
	<-answer //nolint:errcheck // it is the error of the socket that was closed here
}

func (u *unanswered) remove(stop chan struct{}) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for i := range u.list {
		if u.list[i] == stop {
			u.list = append(u.list[:i], u.list[i+1:]...)
			return
		}
	}
}

// close gives up all.
func (u *unanswered) close() {
	u.mu.Lock()
	if !u.closed {
		u.closed = true
		for _, stop := range u.list {
			close(stop)
		}
		u.list = nil
	}
	u.mu.Unlock()
	u.under.Wait()
}

// Commits of this user that wait for standbys, also of other replicas. Behind a pooler
// the numbers of our sessions would not be the server's.
const countWaiting = `SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND usename = current_user AND wait_event = 'SyncRep' AND state_change < now() - interval '5 s'`

// mayCommit refuses to write while several commits have no answer and standbys are the
// reason: each further one would take a connection of the server, until it has no more.
func (s *Store) mayCommit(ctx context.Context, c *pgx.Conn) error {
	if s.unanswered.count() < unansweredMost {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, s.patience)
	defer cancel()
	var n int
	switch err := c.QueryRow(ctx, countWaiting).Scan(&n); {
	case err != nil && c.IsClosed():
		return fmt.Errorf("%w: %w", errLost, err)
	case err != nil || n == 0:
		return err
	}
	return fmt.Errorf("%w: %d commits wait for a synchronous standby that does not answer", ErrBusy, n)
}
