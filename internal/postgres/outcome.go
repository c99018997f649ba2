package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// outcome finds out what became of a transaction whose commit was sent and not
// answered. It asks for as long as it would wait for an answer: a server that
// restarts is back by then, or another one has taken its place. nil: it was committed. errLost: it was not, so that it can be done again.
// ErrOutcomeUnknown: nobody could be asked.
//
// The server remembers how a transaction ended. After a crash it may give the number
// of one that was lost to another; so what was written is looked for too. That would
// take for ours what another process has written over the same version of the same
// generation, in those seconds, in a transaction with that very number.
func (s *Store) outcome(ctx context.Context, xid string, b *batch, cause error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.patience)
	defer cancel()
	s.log.WarnContext(ctx, "postgres: the connection was lost during a commit; asking what became of it", "error", cause)
	for try := 1; ; try++ {
		committed, known, err := s.ask(ctx, xid, b)
		switch {
		case known && committed:
			return nil
		case known:
			return fmt.Errorf("%w: %w", errLost, cause)
		case ctx.Err() != nil:
			return fmt.Errorf("%w: %w", ErrOutcomeUnknown, errors.Join(cause, err))
		}
		_ = pause(ctx, try) // ctx is looked at above
	}
}

// ask reports whether the transaction was committed, if that is known yet.
func (s *Store) ask(ctx context.Context, xid string, b *batch) (committed, known bool, err error) {
	var status *string
	conn, err := s.acquire(ctx)
	if err != nil {
		return false, false, err
	}
	defer conn.Release()
	err = conn.QueryRow(ctx, `SELECT pg_xact_status($1::text::xid8)`, xid).Scan(&status)
	var e *pgconn.PgError
	switch {
	case errors.As(err, &e) && e.Code == "22023":
		return false, true, nil // a number that the server has not given out: lost in a crash
	case err != nil || status == nil:
		return false, false, err
	case *status == "aborted":
		return false, true, nil
	case *status != "committed":
		return false, false, nil // still at it
	}
	committed, err = b.written(ctx, conn.Conn())
	return committed, err == nil, err
}

// written looks for the first generation that the batch has written.
func (b *batch) written(ctx context.Context, c *pgx.Conn) (bool, error) {
	for i := range b.drafts {
		if ch := b.drafts[i].change; b.outcomes[i].err == nil {
			var version int64
			err := c.QueryRow(ctx, `SELECT coalesce(max(version), 0) FROM generations WHERE id = $1::uuid`, idArg(ch.Generation.ID)).Scan(&version)
			return version > ch.From || ch.Discard || b.generations[ch.Generation.ID].version == 0, err
		}
	}
	return false, nil
}
