package sqlite

import "context"

// write runs f in a transaction that has the write lock from the start: a
// transaction that reads first and asks for the lock later may be refused it. An
// error of f rolls back, and so does a ctx that ended before the commit.
//
// f gets a ctx that does not end. Its statements take microseconds, and for each
// one with a ctx that could end, the driver starts a goroutine to watch it.
func (s *Store) write(ctx context.Context, op string, f func(context.Context, *session) error) error {
	if err := s.moved(); err != nil {
		return translate(op, err)
	}
	err := s.writer.with(ctx, func(c *session) error {
		if _, err := c.exec(ctx, `BEGIN IMMEDIATE`); err != nil {
			if ctx.Err() != nil { // it may have begun all the same
				c.rollback(context.WithoutCancel(ctx))
			}
			return err
		}
		return c.finish(ctx, func(ctx context.Context, c *session) error {
			if err := s.movedLog(c); err != nil {
				return err
			}
			return f(ctx, c)
		})
	})
	return s.health.note(translate(op, err))
}

// view runs f in a transaction that reads: all its queries see the same moment.
func (s *Store) view(ctx context.Context, op string, f func(context.Context, *session) error) error {
	if err := s.moved(); err != nil {
		return translate(op, err)
	}
	err := s.readers.with(ctx, func(c *session) error {
		work := context.WithoutCancel(ctx)
		if _, err := c.exec(work, `BEGIN`); err != nil {
			return err
		}
		defer c.rollback(work) // nothing was written
		return f(ctx, c)
	})
	return s.health.note(translate(op, err))
}

func (c *session) finish(ctx context.Context, f func(context.Context, *session) error) error {
	work := context.WithoutCancel(ctx)
	committed := false
	defer func() {
		if !committed { // also if f panics
			c.rollback(work)
		}
	}()
	if err := f(work, c); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if _, err := c.exec(work, `COMMIT`); err != nil {
		return err
	}
	committed = true
	return nil
}

// rollback fails if SQLite has rolled back by itself, as it does when the disk is
// full. Then, as in every other case, a new connection is a state that is known.
func (c *session) rollback(ctx context.Context) {
	if _, err := c.exec(ctx, `ROLLBACK`); err != nil {
		c.discard()
	}
}
