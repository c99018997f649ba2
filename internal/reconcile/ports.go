package reconcile

import (
	"context"
	"errors"
	"time"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/app"
)

// RunLister lists every run of a store, for those who compare.
type RunLister interface {
	// Runs returns runs in the order of generation and number, after the one given
	// (the zero RunPlace: from the start).
	Runs(ctx context.Context, after RunPlace, limit int) ([]BookedRun, error)
}

// RunPlace is where a run stands in a RunBook.
type RunPlace struct {
	GenerationID aigen.ID
	Number       int
}

// BookedRun is the part of a run that concerns credits.
type BookedRun struct {
	RunPlace

	ID          aigen.ID // the reference at the credit service
	UserID      aigen.ID
	Amount      aigen.Credits
	Reservation aigen.ReservationState
	CreatedAt   time.Time
}

// Auditor checks a store against itself: the embedded ledger, above all.
type Auditor interface {
	Audit(ctx context.Context) (rows map[string]int64, faults []string, err error)
}

// ReservationList is what a credit service may offer beyond CreditService: a list of
// what it has.
type ReservationList interface {
	// Reservations returns one page. ErrNotOffered: there is no such list; else
	// aigen.ErrCreditsUnavailable.
	Reservations(ctx context.Context, q ReservationQuery) (ReservationPage, error)
}

// ErrNotOffered is returned by a ReservationList where the other side has none.
var ErrNotOffered = errors.New("the credit service does not list its reservations")

// ReservationQuery selects reservations of the credit service.
type ReservationQuery struct {
	State     aigen.ReservationState // held, deducted or refunded; "" for any
	Since     time.Time              // made at this time or later; zero for any
	OlderThan time.Time              // made before; zero for any
	Cursor    string                 // "" for the first page
	Limit     int
}

// ReservationPage is one page of reservations; Next is "" on the last.
type ReservationPage struct {
	Reservations []KeptReservation
	Next         string
}

// KeptReservation is a reservation as the credit service keeps it.
type KeptReservation struct {
	app.CreditOperation

	State     aigen.ReservationState // held, deducted or refunded
	CreatedAt time.Time
}
