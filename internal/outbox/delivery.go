package outbox

import (
	"time"

	"github.com/creativeflow/aigen"
)

// Delivery is one row of the outbox: something that must be done outside, at
// least once. Its ID is the idempotency key on the other side: the jobId of a job,
// the Idempotency-Key of a notification. Credit operations are told apart by RunID.
type Delivery struct {
	ID           aigen.ID
	Kind         DeliveryKind
	UserID       aigen.ID
	GenerationID aigen.ID
	RunID        aigen.ID // zero for a notification
	Payload      []byte   // JSON; what it holds depends on Kind
	Trace        string   // traceparent of what wrote it; may be ""

	State       DeliveryState
	Attempts    int       // deliveries begun so far
	AvailableAt time.Time // not before; while leased: when the lease ends
	LastError   string    // of the last attempt, without secrets
	CreatedAt   time.Time
	Leased      bool // being made right now; told by ListDeliveries alone

	// Of a delivery that Apply is to write leased, so that its owner need not claim it;
	// else zero. AvailableAt is then when it was due.
	Owner       string
	LeasedUntil time.Time
}

// DeliveryKind says what a delivery does.
type DeliveryKind string

// The kinds of deliveries. Those of jobs are spelled as the job's jobType.
const (
	DeliverSampleJob DeliveryKind = "sample_generation"
	DeliverFinalJob  DeliveryKind = "final_generation"
	DeliverReserve   DeliveryKind = "reserve"
	DeliverDeduct    DeliveryKind = "deduct"
	DeliverRefund    DeliveryKind = "refund"
	DeliverRelease   DeliveryKind = "release"
	DeliverNotify    DeliveryKind = "notify"
)

// DeliveryKinds lists the kinds.
func DeliveryKinds() []DeliveryKind {
	return []DeliveryKind{
		DeliverSampleJob, DeliverFinalJob, DeliverReserve, DeliverDeduct, DeliverRefund, DeliverRelease, DeliverNotify,
	}
}

// Lane is a queue of its own within the outbox: a receiver that is slow or gone
// holds up its own lane only.
type Queue string

// The lanes.
const (
	QueueJobs          Queue = "jobs"
	QueueCredits       Queue = "credits"
	QueueNotifications Queue = "notifications"
)

// Lanes lists the lanes.
func Queues() []Queue { return []Queue{QueueJobs, QueueCredits, QueueNotifications} }

// Lane is the lane that deliveries of kind k travel in.
func (k DeliveryKind) Queue() Queue {
	switch k {
	case DeliverSampleJob, DeliverFinalJob:
		return QueueJobs
	case DeliverNotify:
		return QueueNotifications
	case DeliverReserve, DeliverDeduct, DeliverRefund, DeliverRelease:
		return QueueCredits
	}
	return QueueCredits
}

// DeliveryState is whether a delivery is still tried. A delivered row is removed.
type DeliveryState string

// The states of a delivery.
const (
	DeliveryWaiting DeliveryState = "waiting"
	DeliveryDead    DeliveryState = "dead"   // given up: a person has to look, and may retry
	DeliveryLeased  DeliveryState = "leased" // waiting, and being made right now: for queries
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

// DeliveryResult is what became of an attempt.
type DeliveryResult struct {
	ID          aigen.ID
	Disposition Disposition
	RetryAt     time.Time // VerdictRetry
	Error       string    // VerdictRetry, VerdictDead

	// Uncounted: VerdictRetry, and the attempt does not count. It said nothing about
	// the delivery.
	Uncounted bool
}

// Verdict on an attempt.
type Disposition int

// The verdicts.
const (
	DispositionDelivered Disposition = iota // done: the row goes
	DispositionRetry                        // to be tried again at RetryAt
	DispositionDead                         // given up
	DispositionReturned                     // not tried at all (we are stopping): due at once, the attempt is not counted
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
