package httpapi

import (
	"encoding/json"
	"net/http"
	"time"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/operations"
	"github.com/creativeflow/aigen/internal/outbox"
)

type adminDeliveryView struct {
	ID           string    `json:"id" format:"uuid" doc:"The jobId of a job; the Idempotency-Key of a notification."`
	Lane         string    `json:"lane" enum:"jobs,credits,notifications,assets"`
	Kind         string    `json:"kind" enum:"@kind"`
	State        string    `json:"state" enum:"waiting,leased,dead" doc:"leased: being made right now; dead: given up, until somebody retries it."`
	GenerationID string    `json:"generationId" format:"uuid"`
	UserID       string    `json:"userId" format:"uuid"`
	RunID        *string   `json:"runId" format:"uuid" doc:"The reference of a credit operation."`
	Attempts     int       `json:"attempts" doc:"Begun so far."`
	LastError    *string   `json:"lastError" doc:"Of the last attempt."`
	CreatedAt    time.Time `json:"createdAt"`
	AvailableAt  time.Time `json:"availableAt" doc:"Not before; while leased: when the lease ends."`
}

type adminDeliveryPageView struct {
	Items      []adminDeliveryView `json:"items" nullable:"false"`
	NextCursor *string             `json:"nextCursor" doc:"For the next page; null on the last."`
}

type adminReasonBody struct {
	Reason string `json:"reason" minLength:"1" maxLength:"500" doc:"Why. It stands in the list of actions, with who did it."`
}

// adminNoteBody is for what decides nothing, and needs no reason.
type adminNoteBody struct {
	Reason string `json:"reason,omitempty" maxLength:"500"`
}

type adminDropBody struct {
	Reason string `json:"reason" minLength:"1" maxLength:"500" doc:"Why. It stands in the list of actions, with who did it."`
	Force  bool   `json:"force,omitempty" doc:"Also a deduction, a refund or a release: then the accounts of the two sides differ for good."`
}

type adminRetryBody struct {
	IDs          []string `json:"ids,omitempty" minItems:"1" maxItems:"500" format:"uuid" doc:"These. Without: all that are dead and match the rest."`
	Lane         string   `json:"lane,omitempty" enum:"jobs,credits,notifications,assets"`
	Kind         string   `json:"kind,omitempty" enum:"@kind"`
	GenerationID string   `json:"generationId,omitempty" format:"uuid"`
	Reason       string   `json:"reason,omitempty" maxLength:"500"`
}

type adminRetriedView struct {
	Retried int `json:"retried" doc:"How many are tried again. Those that are being made right now are left alone."`
}

type adminDroppedView struct {
	Delivery adminDeliveryView `json:"delivery" doc:"As it was."`
	Decided  string            `json:"decided" doc:"What follows from it, in words."`
}

func viewDelivery(d outbox.Delivery) adminDeliveryView {
	v := adminDeliveryView{
		ID: d.ID.String(), Lane: string(d.Kind.Queue()), Kind: string(d.Kind), State: string(d.State),
		GenerationID: d.GenerationID.String(), UserID: d.UserID.String(), RunID: nextID(d.RunID), Attempts: d.Attempts,
		LastError: orNull(d.LastError), CreatedAt: d.CreatedAt.UTC(), AvailableAt: d.AvailableAt.UTC(),
	}
	if d.Leased {
		v.State = string(outbox.DeliveryLeased)
	}
	return v
}

const noDelivery = "There is no such delivery: it was made, or given up, or never was."

func deliveryStates() []outbox.DeliveryState {
	return []outbox.DeliveryState{outbox.DeliveryWaiting, outbox.DeliveryLeased, outbox.DeliveryDead}
}

func (a *API) adminDeliveries(w http.ResponseWriter, r *http.Request) error {
	f := newFilter(r)
	q := outbox.DeliveryQuery{
		State: word(f, "state", deliveryStates()), Queue: word(f, "lane", outbox.Queues()), Kind: word(f, "kind", outbox.DeliveryKinds()),
		GenerationID: f.id("generationId"), Limit: f.limit(),
	}
	if err := f.faults.err(); err != nil {
		return err
	}
	var err error
	if q.After, err = f.cursorID(); err != nil {
		return err
	}
	page, err := a.c.Operations.ListDeliveries(r.Context(), q)
	if err != nil {
		return err
	}
	view := adminDeliveryPageView{Items: make([]adminDeliveryView, len(page.Items)), NextCursor: nextID(page.Next)}
	for i, d := range page.Items {
		view.Items[i] = viewDelivery(d)
	}
	return writeJSON(w, http.StatusOK, view)
}

func (a *API) adminDelivery(w http.ResponseWriter, r *http.Request) error {
	id, err := pathID(r, aigen.CodeDeliveryNotFound, noDelivery)
	if err != nil {
		return err
	}
	d, err := a.c.Operations.GetDelivery(r.Context(), id)
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, viewDelivery(d))
}

func (a *API) adminRetry(w http.ResponseWriter, r *http.Request) error {
	id, err := pathID(r, aigen.CodeDeliveryNotFound, noDelivery)
	if err != nil {
		return err
	}
	_, reason, f, err := a.reasonOf(w, r, false)
	if err != nil {
		return err
	}
	if err := f.err(); err != nil {
		return err
	}
	d, err := a.c.Operations.RetryDelivery(r.Context(), operatorOf(r, reason), id)
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, viewDelivery(d))
}

// maxRetryIDs bounds the deliveries that one request names.
const maxRetryIDs = 500

func (a *API) adminRetryMany(w http.ResponseWriter, r *http.Request) error {
	o, reason, f, err := a.reasonOf(w, r, false, "ids", "lane", "kind", "generationId")
	if err != nil {
		return err
	}
	cmd := operations.RetryDeliveries{By: operatorOf(r, reason)}
	if raw, given := o.get("ids"); given {
		cmd.IDs = readIDs(o, raw)
	}
	cmd.Dead.Queue = memberWord(o, "lane", outbox.Queues())
	cmd.Dead.Kind = memberWord(o, "kind", outbox.DeliveryKinds())
	cmd.Dead.GenerationID, _ = o.id("generationId")
	if err := f.err(); err != nil {
		return err
	}
	n, err := a.c.Operations.RetryDeliveries(r.Context(), cmd)
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, adminRetriedView{Retried: n})
}

func readIDs(o object, raw json.RawMessage) (ids []aigen.ID) {
	if err := json.Unmarshal(raw, &ids); err != nil || len(ids) == 0 || len(ids) > maxRetryIDs {
		o.fault("ids", "must be a list of 1 to %d UUIDs", maxRetryIDs)
	}
	return ids
}

func memberWord[T ~string](o object, name string, words []T) T {
	text, given := o.text(name)
	if !given {
		return ""
	}
	f := filter{get: func(string) string { return text }}
	if word(&f, name, words); len(f.faults) > 0 {
		o.fault(name, "must be one of %s", joined(words))
	}
	return T(text)
}

func (a *API) adminDrop(w http.ResponseWriter, r *http.Request) error {
	id, err := pathID(r, aigen.CodeDeliveryNotFound, noDelivery)
	if err != nil {
		return err
	}
	o, reason, f, err := a.reasonOf(w, r, true, "force")
	if err != nil {
		return err
	}
	force := o.flag("force")
	if err := f.err(); err != nil {
		return err
	}
	dropped, err := a.c.Operations.DropDelivery(r.Context(), operations.DropDelivery{By: operatorOf(r, reason), ID: id, Force: force})
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, adminDroppedView{Delivery: viewDelivery(dropped.Delivery), Decided: dropped.Decided})
}
