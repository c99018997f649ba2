package outbox

import (
	"time"

	"github.com/creativeflow/aigen"
)

// Delivery is one row of the outbox: work for a receiver outside, done at least once. ID is
// the idempotency key at the receiver: the jobId of a job, the Idempotency-Key of a
// notification. Credit operations have RunID as their key.
type Delivery struct {
	ID           aigen.ID
	Kind         DeliveryKind
	UserID       aigen.ID
	GenerationID aigen.ID
	RunID        aigen.ID // zero for a notification
	Payload      []byte   // JSON; its form depends on Kind
	Trace        string   // traceparent of the request that wrote the row; may be ""

	State       DeliveryState
	Attempts    int       // deliveries begun so far
	AvailableAt time.Time // earliest start; of a leased row: the end of the lease
	LastError   string    // of the last attempt, without secrets
	CreatedAt   time.Time
	Leased      bool // in flight; set by ListDeliveries alone

	// Set on a row that is written with a lease (immediate delivery), else zero. AvailableAt
	// is the time when the delivery was due.
	Owner       string
	LeasedUntil time.Time
}

// DeliveryKind is what a delivery does.
type DeliveryKind string

// The kinds of deliveries. Those of jobs have the names of the field jobType.
const (
	DeliverSampleJob DeliveryKind = "sample_generation"
	DeliverFinalJob  DeliveryKind = "final_generation"
	DeliverReserve   DeliveryKind = "reserve"
	DeliverDeduct    DeliveryKind = "deduct"
	DeliverRefund    DeliveryKind = "refund"
	DeliverRelease   DeliveryKind = "release"
	DeliverNotify    DeliveryKind = "notify"
	DeliverIngest    DeliveryKind = "ingest"
)

// DeliveryKinds lists the kinds.
func DeliveryKinds() []DeliveryKind {
	return []DeliveryKind{
		DeliverSampleJob, DeliverFinalJob, DeliverReserve, DeliverDeduct, DeliverRefund, DeliverRelease, DeliverNotify,
		DeliverIngest,
	}
}

// Queue names a queue of the outbox. Each queue has workers of its own, so that a receiver
// that is slow or unavailable holds up its own queue only. The column of the database and
// the label of the metrics are called "lane".
type Queue string

// The queues.
const (
	QueueJobs          Queue = "jobs"
	QueueCredits       Queue = "credits"
	QueueNotifications Queue = "notifications"
	QueueAssets        Queue = "assets"
)

// Queues lists the queues.
func Queues() []Queue { return []Queue{QueueJobs, QueueCredits, QueueNotifications, QueueAssets} }

// Queue is the queue of deliveries of kind k.
func (k DeliveryKind) Queue() Queue {
	switch k {
	case DeliverSampleJob, DeliverFinalJob:
		return QueueJobs
	case DeliverNotify:
		return QueueNotifications
	case DeliverIngest:
		return QueueAssets
	case DeliverReserve, DeliverDeduct, DeliverRefund, DeliverRelease:
		return QueueCredits
	}
	return QueueCredits
}

// DeliveryState is whether a delivery is still tried. The row of a finished delivery is removed.
type DeliveryState string

// The states of a delivery.
const (
	DeliveryWaiting DeliveryState = "waiting"
	DeliveryDead    DeliveryState = "dead"   // a dead letter: an operator has to look, and may retry
	DeliveryLeased  DeliveryState = "leased" // waiting and in flight: for queries alone
)

// Claim asks for deliveries.
type Claim struct {
	Queue Queue
	User  aigen.ID // zero: of any user
	Owner string   // of the lease, one for each process
	Limit int
	Now   time.Time
	Until time.Time // end of the lease
}

// DeliveryResult is the result of an attempt.
type DeliveryResult struct {
	ID          aigen.ID
	Disposition Disposition
	RetryAt     time.Time // DispositionRetry
	Error       string    // DispositionRetry, DispositionDead

	// Uncounted, with DispositionRetry: the attempt does not count, since it said nothing
	// about the delivery.
	Uncounted bool
}

// Disposition is what happens to the row after an attempt.
type Disposition int

// The dispositions.
const (
	DispositionDelivered Disposition = iota // delivered: the row is removed
	DispositionRetry                        // tried again at RetryAt
	DispositionDead                         // the row becomes a dead letter
	DispositionReturned                     // not tried (the process stops): due at once, the attempt is not counted
)

// DeliveryQuery selects deliveries for an operator.
type DeliveryQuery struct {
	ID           aigen.ID      // zero for any
	State        DeliveryState // "" for any; DeliveryWaiting: those that are not leased
	Queue        Queue         // "" for any
	Kind         DeliveryKind  // "" for any
	GenerationID aigen.ID      // zero for any
	After        aigen.ID      // zero: from the start. Rows come in order of ID
	Limit        int
}
