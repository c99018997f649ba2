package app

import (
	"github.com/creativeflow/aigen"
)

// Notification tells a user what happened (contract section 5).
type Notification struct {
	ID      aigen.ID            `json:"-"` // the Idempotency-Key, the same at every try
	UserID  aigen.ID            `json:"user_id"`
	Message string              `json:"message"` // for a person
	Payload NotificationPayload `json:"payload"`
}

// NotificationPayload is the part for programs.
type NotificationPayload struct {
	Type         aigen.EventType `json:"type"`
	GenerationID aigen.ID        `json:"generationId"`
	ProjectID    aigen.ID        `json:"projectId"`
	Status       aigen.Status    `json:"status"`
	SampleAssets []aigen.Asset   `json:"sampleAssets,omitempty"`
	FinalAssetID string          `json:"finalAssetId,omitempty"`
	FinalAsset   *aigen.Asset    `json:"finalAsset,omitempty"`
	Error        *aigen.Failure  `json:"error,omitempty"`
}

func newNotification(g *aigen.Generation, notice aigen.EventType, shown func(aigen.Asset) aigen.Asset) Notification {
	n := Notification{UserID: g.UserID, Payload: NotificationPayload{
		Type: notice, GenerationID: g.ID, ProjectID: g.ProjectID, Status: g.Status, Error: g.Failure,
	}}
	switch notice {
	case aigen.EventSamplesReady:
		n.Message = "Your samples are ready. Choose the one you like."
		for _, a := range g.Samples {
			n.Payload.SampleAssets = append(n.Payload.SampleAssets, shown(a))
		}
	case aigen.EventCompleted:
		n.Message = "Your picture is ready."
		n.Payload.FinalAssetID = g.FinalAssetID
		if g.FinalAsset != nil {
			final := shown(*g.FinalAsset)
			n.Payload.FinalAsset = &final
		}
	case aigen.EventRejected:
		n.Message = "Your request was not accepted by the content rules. Change the description and try again."
	case aigen.EventCancelled:
		n.Message = "Your generation was cancelled."
		if g.Failure != nil && g.Failure.Code == aigen.CodeSelectionExpired {
			n.Message = g.Failure.Message
		}
	case aigen.EventAssetLost:
		n.Message = "A picture could not be saved and may be lost. Download it now, if you still see it."
	case aigen.EventCreditsRefused:
		n.Message = "You do not have enough credits for this. Add credits and try again."
		if n.Payload.Error == nil {
			n.Payload.Error = &aigen.Failure{Code: aigen.CodeInsufficientCredits, Message: n.Message, Retryable: true}
		}
	default:
		n.Message = "Your picture could not be made."
		if g.Failure != nil && serviceFailure(g.Failure.Code) {
			n.Message = g.Failure.Message
		}
	}
	return n
}

// serviceFailure reports whether the failure's message is ours, and so written for
// a person. What an engine says may be technical.
func serviceFailure(c aigen.Code) bool {
	switch c {
	case aigen.CodeTimeout, aigen.CodeDispatchFailed, aigen.CodeCreditServiceUnavailable, aigen.CodeFailedByOperator:
		return true
	default:
		return false
	}
}
