package aigen

import "time"

// EventType is the kind of an event.
type EventType string

// The events of a generation's history, and EventProgress, which is streamed but not stored.
// Section 5 of the contract lists those that are notifications too.
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
	// EventAssetLost: a picture could not be copied from the engine, which has it no more.
	EventAssetLost EventType = "asset_lost"
	EventProgress  EventType = "progress"
)

// Event is one entry of a generation's history. Seq counts 1, 2, 3 … within the generation,
// without gaps. Position counts within all events of the user; the store sets it when it
// writes the event.
type Event struct {
	GenerationID ID
	UserID       ID
	Seq          int64
	Position     int64
	Type         EventType
	At           time.Time
	Data         EventData
	Operator     *OperatorNote // the operator who caused it, if any; never shown to users
}

// EventData is the part of the state that the event touched, after the event. Status, Stage,
// Attempt and Credits of the last event are those of the generation. Only ConfirmRelease
// changes the credits without an event, since it may come after the last event.
type EventData struct {
	GenerationID     ID                `json:"generationId"`
	ProjectID        ID                `json:"projectId"`
	Status           Status            `json:"status"`
	Stage            Stage             `json:"stage,omitempty"`
	Attempt          int               `json:"attempt,omitempty"`
	Credits          CreditTotals      `json:"credits"`
	SampleAssets     []Asset           `json:"sampleAssets,omitempty"`
	SelectedSampleID string            `json:"selectedSampleId,omitempty"`
	FinalAssetID     string            `json:"finalAssetId,omitempty"`
	FinalAsset       *Asset            `json:"finalAsset,omitempty"`
	AssetID          string            `json:"assetId,omitempty"` // EventAssetLost only
	ExternalID       string            `json:"externalId,omitempty"`
	Metadata         map[string]string `json:"metadata,omitempty"`
	Error            *Failure          `json:"error,omitempty"`
	Progress         *int              `json:"progress,omitempty"` // percent; EventProgress only
}

// EffectKind is the kind of an effect.
type EffectKind string

// The effects. The use-cases turn each effect into a delivery, written in the transaction
// that writes the state. With the embedded ledger, effects on credits become postings of
// that transaction. EffectWithdraw removes a delivery in that transaction.
const (
	EffectDispatch EffectKind = "dispatch" // hand the job to the engine
	EffectReserve  EffectKind = "reserve"  // hold the amount at the credit service
	EffectDeduct   EffectKind = "deduct"   // spend the held amount
	EffectRefund   EffectKind = "refund"   // free the held amount
	EffectRelease  EffectKind = "release"  // find out whether the amount is held although no answer came, and refund it
	EffectNotify   EffectKind = "notify"   // notify the user
	EffectWithdraw EffectKind = "withdraw" // the job has ended: do not hand it over any more
	EffectIngest   EffectKind = "ingest"   // copy the picture from the engine
)

// Effect is work outside of the service that a verb requires.
type Effect struct {
	Kind   EffectKind
	RunID  ID            // for all but EffectNotify
	JobID  ID            // EffectDispatch, EffectWithdraw
	Amount Credits       // the four effects on credits
	Notice EventType     // EffectNotify: the event to notify of
	Delay  time.Duration // wait this long before
	Asset  Asset         // EffectIngest: with its name, and the URL that it has at the engine
}
