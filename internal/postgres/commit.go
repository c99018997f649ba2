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
	tried      atomic.Bool // an idle connection is asked whether it is there: nothing to cancel
}

const linkKey = "aigen"

func linkOf(c *pgx.Conn) *link {
	return c.PgConn().CustomData()[linkKey].(*link) //nolint:forcetypeassert,errcheck // set for every connection: a panic would be a defect
}

var errNoCancel = errors.New("what this connection is at is not cancelled")

// watchCommits gives a connection that is about to be made its link.
func watchCommits(_ context.Context, c *pgx.ConnConfig) error {
	l, dial := new(link), c.DialFunc
	c.DialFunc = func(ctx context.Context, network, address string) (net.Conn, error) {
		if l.committing.Load() || l.tried.Load() { // pgx dials a second time for nothing but a cancel request
			return nil, errNoCancel
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

	looks context.Context //nolint:containedctx // of the looks at the server: it ends with the store
	end   context.CancelFunc
}

const (
	unansweredMost = 4                // of a process; then nothing more is written while standbys are waited for
	unansweredFor  = 10 * time.Minute // then a connection is given up: its server may be gone for good
	unansweredLook = 15 * time.Second // as often it is asked whether a standby is the reason
)

func (u *unanswered) open() { u.looks, u.end = context.WithCancel(context.Background()) }

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
	w := wait{s: s, conn: c, answer: answer, stop: stop, since: time.Now(), patience: s.patience, every: s.look}
	u.under.Go(func() {
		w.forAnswer()
		u.remove(stop)
	})
}

// wait is for the answer to one commit.
type wait struct {
	s               *Store
	conn            *pgx.Conn
	answer          <-chan error
	stop            <-chan struct{}
	since           time.Time
	patience, every time.Duration
}

func (w *wait) forAnswer() {
	look := time.NewTicker(w.every)
	defer look.Stop()
	most := time.NewTimer(unansweredFor)
	defer most.Stop()
	for {
		select {
		case err := <-w.answer:
			w.s.log.Info("postgres: a commit that had no answer was answered", "waited", time.Since(w.since), "committed", err == nil)
			_ = w.conn.PgConn().Conn().Close()
			return
		case <-look.C:
			if !w.isLost() {
				continue
			}
			w.s.log.Info("postgres: the answer to a commit was lost: none waits for a standby", "waited", time.Since(w.since))
		case <-most.C:
		case <-w.stop:
		}
		giveUp(w.conn, w.answer)
		return
	}
}

// waitsAsLong finds a commit of this user that has waited for standbys for $1
// milliseconds. It is not looked for by the number of its session: behind a pooler that
// is another one.
const waitsAsLong = `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND usename = current_user
AND wait_event = 'SyncRep' AND state_change < now() - $1::bigint * interval '1 ms'`

// isLost asks the server, by another connection, and reports whether no commit waits for
// standbys as this one would have to, half of its time at least: then the way to the
// server has lost the answer, or another server has taken its place. Where nobody can be
// asked, it may wait.
func (w *wait) isLost() bool {
	var n int
	err := w.s.readWithin(w.s.unanswered.looks, w.patience, "look at a commit without an answer", func(ctx context.Context, c *pgx.Conn) error {
		return c.QueryRow(ctx, waitsAsLong, time.Since(w.since).Milliseconds()/2).Scan(&n)
	})
	return err == nil && n == 0
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
