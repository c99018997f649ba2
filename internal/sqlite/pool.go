package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"os"
	"sync"

	_ "modernc.org/sqlite" // the driver "sqlite"
)

var errClosed = errors.New("the store is closed")

// pool is a fixed number of sessions, handed out first come, first served.
type pool struct {
	db     *sql.DB
	size   int
	free   chan *session
	closed chan struct{}
	once   sync.Once
}

func newPool(dsn string, size int) (*pool, error) {
	db, err := sql.Open("sqlite", dsn)
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(size)
	p := &pool{db: db, size: size, free: make(chan *session, size), closed: make(chan struct{})}
	for range size {
		p.free <- &session{db: db}
	}
	return p, nil
}

// with lends a session to f.
func (p *pool) with(ctx context.Context, f func(*session) error) error {
	select {
	case <-p.closed:
		return errClosed
	default:
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-p.closed:
		return errClosed
	case c := <-p.free:
		defer func() { p.free <- c }()
		if err := c.open(ctx); err != nil {
			return err
		}
		return f(c)
	}
}

// close waits until every session is back.
func (p *pool) close() error {
	var errs []error
	p.once.Do(func() {
		close(p.closed)
		for range p.size {
			errs = append(errs, (<-p.free).close())
		}
		errs = append(errs, p.db.Close())
	})
	return errors.Join(errs...)
}

// session is one connection with its prepared statements. It is used by one
// goroutine at a time.
type session struct {
	db    *sql.DB
	conn  *sql.Conn
	stmts map[string]*sql.Stmt // those that read
	execs map[many]execStmt    // those that change
	args  []driver.NamedValue  // of exec: kept, to be filled again
	log   os.FileInfo          // nil before the first transaction that writes
}

func (c *session) open(ctx context.Context) (err error) {
	if c.conn == nil {
		c.conn, err = c.db.Conn(ctx)
		c.stmts, c.execs = map[string]*sql.Stmt{}, map[many]execStmt{}
	}
	return err
}

func (c *session) close() error {
	if c.conn == nil {
		return nil
	}
	c.unprepare()
	err := c.conn.Close()
	c.conn, c.log = nil, nil
	return err
}

// discard gives up a connection whose state is not known; the next use opens a new
// one.
func (c *session) discard() {
	c.unprepare()
	_ = c.conn.Raw(func(any) error { return driver.ErrBadConn }) // makes database/sql close it
	_ = c.close()
}

// unprepare must come before the connection is closed: database/sql does not keep
// track of the statements of a sql.Conn, and the driver crashes on one that has
// outlived its connection.
func (c *session) unprepare() {
	for _, s := range c.stmts {
		_ = s.Close() // what could fail has failed before
	}
	for _, s := range c.execs {
		_ = s.Close()
	}
	c.stmts, c.execs = nil, nil
}

// stmt prepares a query the first time. Queries are constants or made from few
// parts, never from input: the map stays small.
func (c *session) stmt(ctx context.Context, query string) (*sql.Stmt, error) {
	if s, ok := c.stmts[query]; ok {
		return s, nil
	}
	s, err := c.conn.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	c.stmts[query] = s
	return s, nil
}

// each calls f for each row of the query.
func (c *session) each(ctx context.Context, f func(*sql.Rows) error, query string, args ...any) error {
	s, err := c.stmt(ctx, query) //nolint:sqlclosecheck // kept for the next time
	if err != nil {
		return err
	}
	rows, err := s.QueryContext(ctx, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := f(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// one reads the only row of the query into dest; false if there is none.
func (c *session) one(ctx context.Context, dest []any, query string, args ...any) (found bool, err error) {
	err = c.each(ctx, func(r *sql.Rows) error {
		found = true
		return r.Scan(dest...)
	}, query, args...)
	return found, err
}
