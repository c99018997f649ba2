package app

import (
	"time"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/outbox"
)

// OperatorActionKind says what an operator did.
type OperatorActionKind string

// The kinds of actions.
const (
	ActionRetry OperatorActionKind = "retry" // a delivery is tried again
	ActionDrop  OperatorActionKind = "drop"  // a delivery is given up for good, its row removed
	ActionFail  OperatorActionKind = "fail"  // a generation is failed
)

// OperatorAction is one entry of the list of what operators did. It is written in the
// transaction that does it, and never changed.
type OperatorAction struct {
	ID           int64 // given by the store, growing
	At           time.Time
	OperatorID   aigen.ID
	Kind         OperatorActionKind
	GenerationID aigen.ID
	DeliveryID   aigen.ID            // zero for ActionFail
	DeliveryKind outbox.DeliveryKind // "" for ActionFail
	Reason       string
	Detail       string // what was decided, or given up: for people
}
