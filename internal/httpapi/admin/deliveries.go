package admin

import (
	"encoding/json"
	"net/http"
	"time"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/httpapi/wire"
	"github.com/creativeflow/aigen/internal/operations"
	"github.com/creativeflow/aigen/internal/outbox"
)

type deliveryView struct {
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

type deliveryPageView struct {
	Items      []deliveryView `json:"items" nullable:"false"`
	NextCursor *string        `json:"nextCursor" doc:"For the next page; null on the last."`
}

type reasonBody struct {
	Reason string `json:"reason" minLength:"1" maxLength:"500" doc:"Why. It stands in the list of actions, with who did it."`
}

// noteBody is for what decides nothing, and needs no reason.
type noteBody struct {
	Reason string `json:"reason,omitempty" maxLength:"500"`
}

type dropBody struct {
	Reason string `json:"reason" minLength:"1" maxLength:"500" doc:"Why. It stands in the list of actions, with who did it."`
	Force  bool   `json:"force,omitempty" doc:"Also a deduction, a refund or a release: then the accounts of the two sides differ for good."`
}

type retryBody struct {
	IDs          []string `json:"ids,omitempty" minItems:"1" maxItems:"500" format:"uuid" doc:"These. Without: all that are dead and match the rest."`
	Lane         string   `json:"lane,omitempty" enum:"jobs,credits,notifications,assets"`
	Kind         string   `json:"kind,omitempty" enum:"@kind"`
	GenerationID string   `json:"generationId,omitempty" format:"uuid"`
	Reason       string   `json:"reason,omitempty" maxLength:"500"`
}

type retriedView struct {
	Retried int `json:"retried" doc:"How many are tried again. Those that are being made right now are left alone."`
}

type droppedView struct {
	Delivery deliveryView `json:"delivery" doc:"As it was."`
	Decided  string       `json:"decided" doc:"What follows from it, in words."`
}

func viewDelivery(d outbox.Delivery) deliveryView {
	v := deliveryView{
		ID: d.ID.String(), Lane: string(d.Kind.Queue()), Kind: string(d.Kind), State: string(d.State),
		GenerationID: d.GenerationID.String(), UserID: d.UserID.String(), RunID: wire.IDOrNull(d.RunID), Attempts: d.Attempts,
		LastError: wire.OrNull(d.LastError), CreatedAt: d.CreatedAt.UTC(), AvailableAt: d.AvailableAt.UTC(),
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

func (a *API) deliveries(w http.ResponseWriter, r *http.Request) error {
	f := wire.NewFilter(r)
	q := outbox.DeliveryQuery{
		State: wire.Word(f, "state", deliveryStates()), Queue: wire.Word(f, "lane", outbox.Queues()), Kind: wire.Word(f, "kind", outbox.DeliveryKinds()),
		GenerationID: f.ID("generationId"), Limit: f.Limit(),
	}
	if err := f.Faults.Err(); err != nil {
		return err
	}
	var err error
	if q.After, err = f.CursorID(); err != nil {
		return err
	}
	page, err := a.operations.ListDeliveries(r.Context(), q)
	if err != nil {
		return err
	}
	view := deliveryPageView{Items: make([]deliveryView, len(page.Items)), NextCursor: wire.IDOrNull(page.Next)}
	for i, d := range page.Items {
		view.Items[i] = viewDelivery(d)
	}
	return wire.WriteJSON(w, http.StatusOK, view)
}

func (a *API) delivery(w http.ResponseWriter, r *http.Request) error {
	id, err := wire.PathID(r, aigen.CodeDeliveryNotFound, noDelivery)
	if err != nil {
		return err
	}
	d, err := a.operations.GetDelivery(r.Context(), id)
	if err != nil {
		return err
	}
	return wire.WriteJSON(w, http.StatusOK, viewDelivery(d))
}

func (a *API) retry(w http.ResponseWriter, r *http.Request) error {
	id, err := wire.PathID(r, aigen.CodeDeliveryNotFound, noDelivery)
	if err != nil {
		return err
	}
	_, reason, f, err := a.reasonOf(w, r, false)
	if err != nil {
		return err
	}
	if err := f.Err(); err != nil {
		return err
	}
	d, err := a.operations.RetryDelivery(r.Context(), operatorOf(r, reason), id)
	if err != nil {
		return err
	}
	return wire.WriteJSON(w, http.StatusOK, viewDelivery(d))
}

// maxRetryIDs bounds the deliveries that one request names.
const maxRetryIDs = 500

func (a *API) retryMany(w http.ResponseWriter, r *http.Request) error {
	o, reason, f, err := a.reasonOf(w, r, false, "ids", "lane", "kind", "generationId")
	if err != nil {
		return err
	}
	cmd := operations.RetryDeliveries{By: operatorOf(r, reason)}
	if raw, given := o.Get("ids"); given {
		cmd.IDs = readIDs(o, raw)
	}
	cmd.Dead.Queue = memberWord(o, "lane", outbox.Queues())
	cmd.Dead.Kind = memberWord(o, "kind", outbox.DeliveryKinds())
	cmd.Dead.GenerationID, _ = o.ID("generationId")
	if err := f.Err(); err != nil {
		return err
	}
	n, err := a.operations.RetryDeliveries(r.Context(), cmd)
	if err != nil {
		return err
	}
	return wire.WriteJSON(w, http.StatusOK, retriedView{Retried: n})
}

func readIDs(o wire.Object, raw json.RawMessage) (ids []aigen.ID) {
	if err := json.Unmarshal(raw, &ids); err != nil || len(ids) == 0 || len(ids) > maxRetryIDs {
		o.Fault("ids", "must be a list of 1 to %d UUIDs", maxRetryIDs)
	}
	return ids
}

func memberWord[T ~string](o wire.Object, name string, words []T) T {
	text, given := o.Text(name)
	if !given {
		return ""
	}
	f := wire.Filter{Get: func(string) string { return text }}
	if wire.Word(&f, name, words); len(f.Faults) > 0 {
		o.Fault(name, "must be one of %s", wire.Joined(words))
	}
	return T(text)
}

func (a *API) drop(w http.ResponseWriter, r *http.Request) error {
	id, err := wire.PathID(r, aigen.CodeDeliveryNotFound, noDelivery)
	if err != nil {
		return err
	}
	o, reason, f, err := a.reasonOf(w, r, true, "force")
	if err != nil {
		return err
	}
	force := o.Flag("force")
	if err := f.Err(); err != nil {
		return err
	}
	dropped, err := a.operations.DropDelivery(r.Context(), operations.DropDelivery{By: operatorOf(r, reason), ID: id, Force: force})
	if err != nil {
		return err
	}
	return wire.WriteJSON(w, http.StatusOK, droppedView{Delivery: viewDelivery(dropped.Delivery), Decided: dropped.Decided})
}
