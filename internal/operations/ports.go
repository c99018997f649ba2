package operations

import (
	"context"
	"time"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/app"
	"github.com/creativeflow/aigen/internal/ledger"
	"github.com/creativeflow/aigen/internal/outbox"
)

// Store is what those who run the service ask of a store. It reads over all
// users; nothing of it is for a user's request.
type Store interface {
	// Get, Events, Stats and ListDeliveries are those of the other ports.
	Get(ctx context.Context, id aigen.ID) (*aigen.Generation, error)
	Events(ctx context.Context, generation aigen.ID, after int64, limit int) ([]aigen.Event, error)
	Stats(ctx context.Context) (app.Stats, error)
	ListDeliveries(ctx context.Context, q outbox.DeliveryQuery) ([]outbox.Delivery, error)

	// ListAll returns generations of all users with their runs, newest first: by ID,
	// descending, since the ids that the service makes grow with time.
	ListAll(ctx context.Context, q AllQuery) ([]*aigen.Generation, error)
	// FindRun returns the generation of the run with this id, or of the run that has
	// the job with this id, among the runs made in [from, to); aigen.ErrNotFound.
	FindRun(ctx context.Context, runOrJob aigen.ID, from, to time.Time) (generation aigen.ID, err error)
	// Entries returns what the embedded ledger booked for these runs, oldest first;
	// none with a remote credit service.
	Entries(ctx context.Context, runs []aigen.ID) ([]LedgerEntry, error)
	// ActOnDeliveries retries or drops deliveries as s says, and writes an action for
	// each, in one transaction. Those that are being made right now, or are gone, are
	// left alone. It returns the ids of the others.
	ActOnDeliveries(ctx context.Context, s DeliveryAction) ([]aigen.ID, error)
	// Actions returns what operators did, newest first.
	Actions(ctx context.Context, q ActionQuery) ([]app.OperatorAction, error)
	// Activity counts what happened in each part of a time. Parts without anything
	// are left out.
	Activity(ctx context.Context, q ActivityQuery) ([]Activity, error)
	// DeadCauses counts the dead deliveries by kind and last error, most first.
	DeadCauses(ctx context.Context, limit int) ([]DeadCause, error)
}

// AllQuery selects generations of all users.
type AllQuery struct {
	UserID    aigen.ID     // zero for any
	Status    aigen.Status // "" for any
	ProjectID aigen.ID     // zero for any
	From, To  time.Time    // created in [From, To); zero for no bound
	Before    aigen.ID     // only those that come after it in the order of the list; zero: from the start
	Limit     int          // at least 1
}

// LedgerEntry is one entry of the embedded ledger.
type LedgerEntry struct {
	Kind         ledger.Kind
	RunID        aigen.ID
	Amount       aigen.Credits
	BalanceAfter aigen.Credits // of the account
	HeldAfter    aigen.Credits
	At           time.Time
}

// ActionQuery selects actions.
type ActionQuery struct {
	GenerationID aigen.ID // zero for any
	Before       int64    // only those with a smaller ID; 0: from the newest
	Limit        int
}

// DeliveryAction is what an operator decided about deliveries.
type DeliveryAction struct {
	Action app.OperatorActionKind // ActionRetry or ActionDrop
	IDs    []aigen.ID
	By     aigen.OperatorNote
	Detail string
	Now    time.Time
}

// ActivityQuery selects a time, [From, To), in parts of Width, the first of which
// begins at From.
type ActivityQuery struct {
	From, To time.Time
	Width    time.Duration
	// Sample bounds the durations of a stage that each part brings: of the newest.
	Sample int
}

// Activity is what happened in one part of a time.
type Activity struct {
	From    time.Time
	Events  map[aigen.EventType]int64
	Samples []time.Duration // from the start of the samples stage to its success, in no order
	Final   []time.Duration // likewise
	// Credits of the runs that were asked for in that time, as they stand now.
	Credits aigen.CreditTotals
}

// DeadCause is a reason why deliveries are dead.
type DeadCause struct {
	Kind           outbox.DeliveryKind
	Error          string
	Count          int64
	Oldest, Newest time.Time // creation
	Example        aigen.ID  // one of them
}
