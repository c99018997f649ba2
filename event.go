package aigen

import "time"

// EventType says what happened to a generation.
type EventType string

// The events of a generation's log, and EventProgress, which is shown live and
// kept nowhere. The names that users are also notified of are those of the
// contract's section 5.
const (
	EventCreated         EventType = "generation_created"
	EventSamplesStarted  EventType = "samples_started"
	EventSamplesRetrying EventType = "samples_retrying"
	EventSamplesReady    EventType = "samples_ready"
	EventFinalStarted    EventType = "final_started"
	EventFinalRetrying   EventType = "final_retrying"
	EventCompleted       EventType = "generation_completed"
	EventFailed          EventType = "generation_failed"
	EventRejected        EventType = "content_rejected"
	EventCancelled       EventType = "generation_cancelled"
	EventCreditsRefused  EventType = "credits_insufficient"
	// EventCreditsUnavailable: a request was dropped because the credit service did not answer.
	EventCreditsUnavailable EventType = "credits_unavailable"
	EventProgress           EventType = "progress"
)

// Event is one entry of a generation's log. Seq runs 1, 2, 3 … within the
// generation without gaps. Position runs within all events of the user and is
// given by the store when the event is written.
type Event struct {
	GenerationID ID
	UserID       ID
	Seq          int64
	Position     int64
	Type         EventType
	At           time.Time
	Data         EventData
	Operator     *OperatorNote // set where an operator made it happen; never shown to users
}

// EventData is the state after the event, as far as the event touched it. The
// last event's Status, Stage, Attempt and Credits are those of the generation;
// only Released adds to the credits without an event, since it may come after
// the end, and nothing is told after that.
type EventData struct {
	GenerationID     ID           `json:"generationId"`
	ProjectID        ID           `json:"projectId"`
	Status           Status       `json:"status"`
	Stage            Stage        `json:"stage,omitempty"`
	Attempt          int          `json:"attempt,omitempty"`
	Credits          CreditTotals `json:"credits"`
	SampleAssets     []Asset      `json:"sampleAssets,omitempty"`
	SelectedSampleID string       `json:"selectedSampleId,omitempty"`
	FinalAssetID     string       `json:"finalAssetId,omitempty"`
	FinalAsset       *Asset       `json:"finalAsset,omitempty"`
	Error            *Failure     `json:"error,omitempty"`
	Progress         *int         `json:"progress,omitempty"` // percent; EventProgress only
}

// EffectKind says what must be done outside because of a change.
type EffectKind string

// The effects. A use-case turns each into a delivery, written in the transaction
// that writes the state, or (embedded ledger) into a movement in that transaction.
// EffectWithdraw removes a delivery in it.
const (
	EffectDispatch EffectKind = "dispatch" // hand the job to the engine
	EffectReserve  EffectKind = "reserve"  // ask the credit service to hold the amount
	EffectDeduct   EffectKind = "deduct"   // the held amount is spent
	EffectRefund   EffectKind = "refund"   // the held amount is free again
	EffectRelease  EffectKind = "release"  // an answer never came: find out, and refund what is held
	EffectNotify   EffectKind = "notify"   // tell the user
	EffectWithdraw EffectKind = "withdraw" // the job has ended: nobody is to get it any more
)

// Effect is something that a verb decided must be done outside.
type Effect struct {
	Kind   EffectKind
	RunID  ID            // for all but EffectNotify
	JobID  ID            // EffectDispatch, EffectWithdraw
	Amount Credits       // the four effects on credits
	Notice EventType     // EffectNotify: what to tell
	Delay  time.Duration // not before this has passed
}
