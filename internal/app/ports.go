// Package app holds the use-cases of the orchestrator, one a file, the ports that
// they need, and the two loops that make sure everything decided is also done: the
// relay, which delivers the outbox, and the sweeper, which acts on deadlines.
//
// There is one way to change anything: load a generation, call a verb, hand the
// store one Change. Nothing outside is called from within a transaction.
package app

import (
	"context"
	"errors"
	"time"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/ledger"
	"github.com/creativeflow/aigen/internal/outbox"
)

// Errors of the stores. Each store translates its driver's errors to these.
var (
	// ErrVersionConflict is returned by Apply when the generation was changed, or
	// removed, since it was loaded. Load again and repeat the verb.
	ErrVersionConflict = errors.New("the generation was changed meanwhile")
	// ErrKeyTaken is returned by Apply when the idempotency key is in use. Nothing
	// of the change was written. Read the record and answer from it.
	ErrKeyTaken = errors.New("the idempotency key is in use")
	// ErrStoreUnavailable is what an error of a store is (errors.Is) when the database
	// does not take the call just now: away, busy, full or read-only. Whether a change
	// was written may be unknown; a repeat with the same idempotency key finds out.
	ErrStoreUnavailable = errors.New("the database does not take this just now")
	// ErrExternalIDTaken is returned by Apply for a new generation whose external id
	// another one of the user has.
	ErrExternalIDTaken = &aigen.Error{Code: aigen.CodeExternalIDTaken, Message: "You have a generation with this externalId already."}
	// ErrNoRecord is returned by IdempotencyRecord when the key was not used within
	// its lifetime.
	ErrNoRecord = errors.New("the idempotency key was not used")
)

// ErrNotAsked is wrapped by an error of a CreditService when it is certain that the
// operation never left this process: the breaker is open, or too many wait already.
// So there is nothing to find out and nothing to free.
var ErrNotAsked = errors.New("nothing was sent")

// GenerationRepository is the store of generations.
type GenerationRepository interface {
	// Get loads a generation with its runs; aigen.ErrNotFound if there is none.
	Get(ctx context.Context, id aigen.ID) (*aigen.Generation, error)
	// List returns a user's generations, newest first (CreatedAt, then ID, both
	// descending), with their runs.
	List(ctx context.Context, q ListQuery) ([]*aigen.Generation, error)
	// Apply writes the changes in one transaction and returns one result for each,
	// in order. A change that fails (ErrVersionConflict, ErrKeyTaken,
	// aigen.ErrInsufficientCredits) leaves nothing behind and does not touch its
	// neighbours; a fault of the database fails all of them. Changes of the same
	// generation are applied in the order given. On success Generation.Version is
	// From+1 and every Event.Position is set; on failure neither is touched.
	Apply(ctx context.Context, changes []*Change) []error
	// Events returns a generation's events with Seq > after, oldest first.
	Events(ctx context.Context, generation aigen.ID, after int64, limit int) ([]aigen.Event, error)
	// UserEvents returns a user's events with Position > after, oldest first.
	UserEvents(ctx context.Context, user aigen.ID, after int64, limit int) ([]aigen.Event, error)
	// LastPosition is the Position of the user's newest event, 0 if there is none.
	LastPosition(ctx context.Context, user aigen.ID) (int64, error)
	// Due returns generations that have not ended and whose DueAt is at or before
	// now, the longest overdue first.
	Due(ctx context.Context, now time.Time, limit int) ([]aigen.ID, error)
	// IdempotencyRecord returns the record of a key that has not expired at now;
	// else ErrNoRecord.
	IdempotencyRecord(ctx context.Context, user aigen.ID, key string, now time.Time) (IdempotencyRecord, error)
	// Purge removes up to limit idempotency records that expired before now, and
	// reports how many.
	Purge(ctx context.Context, now time.Time, limit int) (int, error)
	// RemoveEnded removes up to limit generations that ended before the given time,
	// the longest ended first, with their runs and events, and reports how many. A
	// generation with a reservation that is not decided stays. So does what the ledger
	// has of those that go: its list is append-only. The positions of the user's other
	// events stay as they are, so that a stream which resumes misses none of them.
	RemoveEnded(ctx context.Context, before time.Time, limit int) (int, error)
	// CountQueued counts the generations of a user that wait or are worked on: those with
	// a reservation that is pending or held. It stops at most.
	CountQueued(ctx context.Context, user aigen.ID, most int) (int, error)
	// SettleJob removes the job's row of the outbox, whoever has it leased: the engine
	// has shown that it has the job. A dead row stays. It may be gone already.
	SettleJob(ctx context.Context, job aigen.ID) error
	// AssetsHandedOver returns the stored pictures of a generation that were uploaded for
	// it and have one of these ids.
	AssetsHandedOver(ctx context.Context, generation aigen.ID, ids []string) ([]aigen.StoredAsset, error)
	// OwnAssets returns the user's stored pictures with these ids, uploads and results.
	// Where several have the same id, it returns the newest.
	OwnAssets(ctx context.Context, user aigen.ID, ids []string) ([]aigen.StoredAsset, error)
	// Stats counts what an operator watches.
	Stats(ctx context.Context) (Stats, error)
	// Ping checks that the store can be written to.
	Ping(ctx context.Context) error
}

// ListQuery selects generations of one user.
type ListQuery struct {
	UserID    aigen.ID
	Status    aigen.Status // "" for any
	ProjectID aigen.ID     // zero for any
	BatchID   aigen.ID     // zero for any

	ExternalID string  // "" for any
	Limit      int     // at least 1
	Before     *Cursor // only those that come after it in the order of the list
}

// Change is all that one step writes, in one transaction.
type Change struct {
	Generation *aigen.Generation // the state after the step
	From       int64             // the Version it was loaded at; 0 inserts it
	Discard    bool              // remove the generation with its runs instead (it has no events)

	Events     []aigen.Event     // Position is given by the store
	Deliveries []outbox.Delivery // new rows of the outbox
	Withdrawn  []aigen.ID        // jobs that have ended: their rows of the outbox are removed, whoever has them leased
	Postings   []ledger.Posting  // of the embedded ledger, in order

	Assets        []aigen.StoredAsset // pictures that wait to be copied
	AssetRemovals []AssetRemoval      // when pictures are to be removed

	Actions []OperatorAction // of operators; ID is given by the store

	// Keep is a job whose row stays though the job ends: whoever gives up on a delivery
	// still has to say so in its row.
	Keep aigen.ID

	Record    *IdempotencyRecord // inserted; ErrKeyTaken if the key is in use
	ForgetKey string             // the user's idempotency key to be free again,
	ForgetRun aigen.ID           // if its record is of this run: another's stays, and is in the way of Record
}

// AssetRemoval says when a stored picture is to be removed.
type AssetRemoval struct {
	Name aigen.AssetName
	At   time.Time // zero: with its generation
	// Upload: the picture is one that a user brought, and stays for longer if it was to. It
	// is left alone if it is a result.
	Upload bool
}

// IdempotencyRecord remembers the first answer to a request that had an
// Idempotency-Key. It is written in the transaction that has the effect.
type IdempotencyRecord struct {
	UserID       aigen.ID
	Key          string
	RequestHash  [32]byte // of method, path and body: another request with the key is refused
	GenerationID aigen.ID
	RunID        aigen.ID  // of the run that was asked for; zero for a cancellation
	Answer       *Accepted // nil while a remote credit service is being asked
	CreatedAt    time.Time
	ExpiresAt    time.Time
}

// Accepted is the answer to a request that started or stopped work.
type Accepted struct {
	GenerationID    aigen.ID      `json:"generationId"`
	Status          aigen.Status  `json:"status"`
	CreditsReserved aigen.Credits `json:"creditsReserved"`

	Replayed bool `json:"-"` // the answer is that of an earlier request with the same key
}

// Ledger is the embedded credit service's store.
type Ledger interface {
	// Balance returns an account, that of a new user if there is none yet.
	Balance(ctx context.Context, user aigen.ID) (Balance, error)
	// Grant adds credits. A repeat with the same reference changes nothing.
	Grant(ctx context.Context, user aigen.ID, amount aigen.Credits, reference string, now time.Time) (Balance, error)
}

// Balance of an account. Available = Balance - Reserved.
type Balance struct {
	Balance   aigen.Credits `json:"balance"`
	Reserved  aigen.Credits `json:"reserved"`
	Available aigen.Credits `json:"available"`
}

// JobPublisher hands jobs to the workflow engine.
type JobPublisher interface {
	// Publish takes jobs and calls done once for each, by its index, when the
	// engine has it for good (nil) or did not take it. done may be called from
	// another goroutine, after Publish has returned. Until then the job's lease is
	// kept up; a job that is never done is delivered again. When ctx ends, done
	// must be called soon for what is still open. A publisher that keeps jobs waiting asks
	// JobMessage.Check right before it hands one over.
	//
	// An error may wrap ErrAway or ErrOutcomeUnknown, and may have a method RetryAfter
	// that says how long the engine's side asks to be left alone.
	Publish(ctx context.Context, jobs []JobMessage, done func(i int, err error))
	// Window is how many jobs may be open at a time, at least 1.
	Window() int
}

// A JobPublisher may also implement outbox.Canceller (it works on jobs itself, and can stop:
// Cancel is called after the commit, with jobs that ended without a report),
// outbox.Recoverer and outbox.Lingerer.

// CreditService is a credit system outside our database (Odoo). Every call may be
// repeated with the same reference. Errors: aigen.ErrInsufficientCredits from
// Reserve alone; aigen.ErrCreditsUnavailable when there was no usable answer, so
// that the effect is not known; a *PermanentError for a call that no repeat can
// help. Anything else is tried again like an answer that did not come. An
// ErrCreditsUnavailable that wraps ErrNotAsked says more: nothing was sent.
type CreditService interface {
	Reserve(ctx context.Context, op CreditOperation) error
	Deduct(ctx context.Context, op CreditOperation) error
	Refund(ctx context.Context, op CreditOperation) error
	Balance(ctx context.Context, user aigen.ID) (Balance, error)
}

// CreditOperation is one call to the credit service.
type CreditOperation struct {
	UserID       aigen.ID
	GenerationID aigen.ID
	Reference    aigen.ID // the run's id
	Amount       aigen.Credits
}

// NotificationService tells a user something. A repeat has the same ID.
type NotificationService interface {
	Notify(ctx context.Context, n Notification) error
}

// Stats is what an operator watches, at one moment.
type Stats struct {
	Generations  map[aigen.Status]int64
	Outbox       []outbox.QueueStats
	Reservations ReservationStats
}

// ReservationStats describes the reservations that are not decided.
type ReservationStats struct {
	Open   int64         // pending, held or releasing
	Amount aigen.Credits // their sum
	Oldest time.Time     // creation of the oldest; zero if there is none
}
