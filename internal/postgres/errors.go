package postgres

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/creativeflow/aigen/internal/app"
)

// What the server or the network did to us, for errors.Is. The driver's own error is
// in the chain, for the log.
var (
	ErrUnavailable = unavailable("the database server cannot be reached or does not take connections") // Apply has written nothing; other calls can be repeated
	ErrRefused     = errors.New("the database server refuses the user, the password or the database")  // correct the URL
	ErrBusy        = unavailable("the database is busy: a lock or an answer took too long")            // nothing was written
	ErrDiskFull    = unavailable("the disk of the database server is full")                            // nothing was written
	ErrReadOnly    = unavailable("the database server takes no writes: it is a standby or set read-only")
	ErrUnfit       = errors.New("the database server cannot be used") // its version or its encoding
	// ErrPooler: a pooler gave a prepared statement to a server that does not have it.
	ErrPooler = errors.New("a pooler (PgBouncer) lost a prepared statement: add default_query_exec_mode=exec to the database's URL")
	// ErrOutcomeUnknown is returned when the connection was lost during the commit, and
	// the server could not be asked afterwards, or when the commit waits for a synchronous
	// standby. The changes were written, all or none: load the generations, or repeat the
	// request with its key, to see.
	ErrOutcomeUnknown = unavailable("the commit was not confirmed: whether it took place, and lasts, is not known")

	errConstraint = errors.New("a rule of the schema was broken") // a defect of ours
	errContended  = errors.New("others were quicker")             // to be done again
	errLost       = errors.New("the connection was lost")         // to be done again; see write
)

// unavailable makes an error that the callers of a store can tell (errors.Is) to be
// one that passes.
func unavailable(text string) error { return &passing{text} }

type passing struct{ text string }

// Error implements error.
func (p *passing) Error() string { return p.text }

// Is says that it is app.ErrStoreUnavailable too.
func (p *passing) Is(target error) bool { return target == app.ErrStoreUnavailable }

// translate is the one place that knows the driver's errors. It names the operation
// that failed. Errors of ours pass through it as they are, but for that name.
func translate(op string, err error) error {
	if err == nil {
		return nil
	}
	if kind := kindOf(err); kind != nil && !errors.Is(err, kind) {
		return fmt.Errorf("postgres: %s: %w: %w", op, kind, err)
	}
	return fmt.Errorf("postgres: %s: %w", op, err)
}

// kindOf is nil for an error that needs no other name: ours, that of a caller who hung
// up, or that of a wrong query.
func kindOf(err error) error {
	var e *pgconn.PgError
	var connect *pgconn.ConnectError
	var network net.Error
	switch {
	case errors.Is(err, ErrOutcomeUnknown):
		return ErrOutcomeUnknown
	case errors.As(err, &e):
		return kindOfState(e.Code)
	case errors.Is(err, context.Canceled):
		return nil
	case errors.As(err, &connect), errors.Is(err, errLost):
		// Also where the way to the server is silent, so that it was our own patience
		// that ended: the chain has a DeadlineExceeded then, as that of a caller's context.
		return ErrUnavailable
	case errors.Is(err, context.DeadlineExceeded): // ours or the caller's
		return ErrBusy
	case errors.As(err, &network),
		errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, net.ErrClosed), errors.Is(err, pgconn.ErrConnClosed):
		return ErrUnavailable
	}
	return nil
}

// Codes are those of appendix A of PostgreSQL's manual; the first two characters are
// the class.
func kindOfState(code string) error {
	switch code {
	case "40001", "40P01": // serialization failure, deadlock
		return errContended
	case "55P03", "57014": // lock_timeout, statement_timeout or a cancelled query
		return ErrBusy
	case "25006": // read only
		return ErrReadOnly
	case "53100":
		return ErrDiskFull
	case "3D000": // no such database
		return ErrRefused
	case "26000", "42P05": // no such prepared statement, or one of that name
		return ErrPooler
	case "08P01": // protocol: PgBouncer reports its own faults with it
		return ErrUnavailable
	}
	switch {
	case strings.HasPrefix(code, "28"): // authorization
		return ErrRefused
	case strings.HasPrefix(code, "22"), strings.HasPrefix(code, "23"), strings.HasPrefix(code, "54"): // data, constraints, limits
		return errConstraint
	case strings.HasPrefix(code, "08"), strings.HasPrefix(code, "53"), strings.HasPrefix(code, "57"), strings.HasPrefix(code, "58"):
		return ErrUnavailable // connection, resources, operator intervention, system
	}
	return nil
}

// Races that a second look settles: the row was not there, or not visible, when it
// was looked for.
var raced = map[string]bool{
	"accounts_pkey": true, "generations_pkey": true, "idempotency_keys_pkey": true,
	"generations_external": true, "ledger_entries_run": true, "ledger_entries_grant": true, "ledger_entries_open": true,
}

func insertedByOthers(err error) bool {
	var e *pgconn.PgError
	return errors.As(err, &e) && e.Code == "23505" && raced[e.ConstraintName]
}

// definite reports whether the server said for certain that the statement failed. A
// fatal error is not: the server may have been told to stop while it waited for a
// replica to confirm a commit.
func definite(err error) bool {
	var e *pgconn.PgError
	return errors.As(err, &e) && e.SeverityUnlocalized != "FATAL" && e.SeverityUnlocalized != "PANIC" && !strings.HasPrefix(e.Code, "08")
}
