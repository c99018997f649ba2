package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// One snapshot for all queries.
const beginRead = `BEGIN READ ONLY ISOLATION LEVEL REPEATABLE READ`

// read runs f, which reads. A connection that turns out to be lost is replaced.
func (s *Store) read(ctx context.Context, op string, f func(context.Context, *pgx.Conn) error) error {
	return s.readWithin(ctx, s.patience, op, f)
}

func (s *Store) readWithin(ctx context.Context, patience time.Duration, op string, f func(context.Context, *pgx.Conn) error) error {
	if err := ctx.Err(); err != nil {
		return translate(op, err)
	}
	work, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return translate(op, s.retry(ctx, func() error {
		conn, err := s.acquireWithin(ctx, timeLeft(work))
		if err != nil {
			return err
		}
		defer conn.Release() // closes it if f has left a transaction open
		err = f(work, conn.Conn())
		switch {
		case err != nil && ctx.Err() != nil:
			return fmt.Errorf("%w: %w", ctx.Err(), err)
		case err != nil && work.Err() != nil:
			s.pool.Reset() // a server that stands still: the idle connections say nothing either
			return fmt.Errorf("%w: no answer within %s: %w", ErrBusy, patience, err)
		case err != nil && conn.Conn().IsClosed():
			return fmt.Errorf("%w: %w", errLost, err)
		}
		return err
	}))
}

func timeLeft(ctx context.Context) time.Duration {
	end, _ := ctx.Deadline()
	return time.Until(end)
}

// query returns what scan makes of each row.
func query[T any](ctx context.Context, s *Store, op string, scan func(pgx.Rows) (T, error), sql string, args ...any) (list []T, err error) {
	err = s.read(ctx, op, func(ctx context.Context, c *pgx.Conn) error {
		list = nil // of an attempt before this one
		rows, err := c.Query(ctx, sql, args...)
		if err != nil {
			return err
		}
		return each(func(r pgx.Rows) error {
			v, err := scan(r)
			list = append(list, v)
			return err
		})(rows)
	})
	if err != nil {
		return nil, err
	}
	return list, nil
}

// one reads the only row of a query; false if there is none.
func (s *Store) one(ctx context.Context, op string, scan func(pgx.Rows) error, sql string, args ...any) (bool, error) {
	rows, err := query(ctx, s, op, func(r pgx.Rows) (struct{}, error) { return struct{}{}, scan(r) }, sql, args...)
	return len(rows) > 0, err
}

// each calls f for each row.
func each(f func(pgx.Rows) error) func(pgx.Rows) error {
	return func(rows pgx.Rows) error {
		for rows.Next() {
			if err := f(rows); err != nil {
				return err
			}
		}
		return rows.Err()
	}
}
