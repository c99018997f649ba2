package outbox

import (
	"context"
	"time"

	"github.com/creativeflow/aigen"
)

// Store keeps the rows of the outbox. The transaction that needs a delivery writes its row.
type Store interface {
	// ClaimDeliveries leases up to Limit rows of a queue that are due, oldest first,
	// counts the attempt, and returns them. A leased row is not claimed again before
	// its lease ends, by any process.
	ClaimDeliveries(ctx context.Context, c Claim) ([]Delivery, error)
	// WaitingUsers returns the users of the rows of a queue that ClaimDeliveries would
	// find, in the order of the oldest of each. It looks at the oldest
	// WaitingUsersLookAt rows alone.
	WaitingUsers(ctx context.Context, queue Queue, now time.Time) ([]aigen.ID, error)
	// ExtendLeases gives the rows that owner still holds until a new end of lease.
	ExtendLeases(ctx context.Context, owner string, ids []aigen.ID, until time.Time) error
	// FinishDeliveries removes delivered rows, sets others back for another try, or
	// marks them dead. A row whose lease owner has lost is left alone.
	FinishDeliveries(ctx context.Context, owner string, results []DeliveryResult) error
	// HeldJobs returns those of the jobs whose rows owner has leased and that are still
	// awaited: their generation is being worked on.
	HeldJobs(ctx context.Context, owner string, jobs []aigen.ID) ([]aigen.ID, error)
	// ReleaseLeases makes all rows that owner holds due at once, without counting the
	// attempt: at the start after a crash of the only process, and at the stop.
	ReleaseLeases(ctx context.Context, owner string, now time.Time) (int, error)
	// ListDeliveries returns rows, oldest first, after the row with id After.
	ListDeliveries(ctx context.Context, q DeliveryQuery) ([]Delivery, error)
	// RetryDeliveries makes dead or waiting rows due now with a fresh count of
	// attempts, and reports how many. No ids: all that are dead.
	RetryDeliveries(ctx context.Context, ids []aigen.ID, now time.Time) (int, error)
}

// WaitingUsersLookAt bounds what WaitingUsers reads, in rows.
const WaitingUsersLookAt = 10_000

// QueueStats describes one queue of the outbox.
type QueueStats struct {
	Queue  Queue
	Depth  int64     // rows that wait or are in flight
	Dead   int64     // dead letters
	Oldest time.Time // creation of the oldest row that is not dead; zero if there is none
}

// Metrics counts what a relay does. Its method must not block.
type Metrics interface {
	// Delivery: an attempt ended; outcome is "delivered", "retry", "dead" or "returned".
	Delivery(queue Queue, kind DeliveryKind, outcome string, age time.Duration)
}

type nopMetrics struct{}

func (nopMetrics) Delivery(Queue, DeliveryKind, string, time.Duration) {}
