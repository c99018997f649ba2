package admin

import (
	"net/http"
	"strconv"
	"time"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/app"
	"github.com/creativeflow/aigen/internal/httpapi/wire"
	"github.com/creativeflow/aigen/internal/operations"
	"github.com/creativeflow/aigen/internal/web"
)

type storyView struct {
	Generation wire.GenerationView `json:"generation"`
	Entries    []entryView         `json:"entries" nullable:"false" doc:"In the order of time."`
}

// entryView has the member that kind names.
type entryView struct {
	At       time.Time     `json:"at"`
	Kind     string        `json:"kind" enum:"run,credit,event,job,delivery,action" doc:"Names the member that is there."`
	Run      *runView      `json:"run,omitempty"`
	Credit   *creditView   `json:"credit,omitempty"`
	Event    *eventView    `json:"event,omitempty"`
	Job      *jobView      `json:"job,omitempty"`
	Delivery *deliveryView `json:"delivery,omitempty"`
	Action   *actionView   `json:"action,omitempty"`
}

type runView struct {
	ID          string     `json:"id" format:"uuid" doc:"Also the reference of its reservation at the credit service."`
	Number      int        `json:"number"`
	Stage       string     `json:"stage" enum:"samples,final"`
	Amount      string     `json:"amount" pattern:"^[0-9]+\\.[0-9]{2}$" example:"1.00"`
	Reservation string     `json:"reservation" enum:"pending,held,deducted,refunded,refused,releasing" doc:"As it stands now."`
	SampleID    *string    `json:"sampleId" doc:"The chosen sample; final only."`
	Deadline    *time.Time `json:"deadline"`
}

type creditView struct {
	Kind         string `json:"kind" enum:"reserve,deduct,refund"`
	RunID        string `json:"runId" format:"uuid"`
	Amount       string `json:"amount" pattern:"^[0-9]+\\.[0-9]{2}$" example:"1.00"`
	BalanceAfter string `json:"balanceAfter" pattern:"^-?[0-9]+\\.[0-9]{2}$" example:"100.00" doc:"Of the user's account."`
	HeldAfter    string `json:"heldAfter" pattern:"^-?[0-9]+\\.[0-9]{2}$" example:"1.00"`
}

type eventView struct {
	Type string    `json:"type" enum:"@event" doc:"What happened."`
	Seq  int64     `json:"seq" doc:"Number within the generation, without gaps."`
	At   time.Time `json:"at"`
	aigen.EventData

	Operator *operatorView `json:"operator,omitempty" doc:"Who made it happen, if that was an operator. Users do not see this."`
}

type operatorView struct {
	ID     string `json:"id" format:"uuid"`
	Reason string `json:"reason"`
}

type jobView struct {
	ID      string `json:"id" format:"uuid"`
	RunID   string `json:"runId" format:"uuid"`
	Attempt int    `json:"attempt"`
	State   string `json:"state" enum:"live,succeeded,failed,rejected,dropped" doc:"As it stands now."`
}

type actionView struct {
	ID           string    `json:"id" doc:"Growing."`
	At           time.Time `json:"at"`
	OperatorID   string    `json:"operatorId" format:"uuid"`
	Kind         string    `json:"kind" enum:"retry,drop,fail"`
	GenerationID string    `json:"generationId" format:"uuid"`
	DeliveryID   *string   `json:"deliveryId" format:"uuid"`
	DeliveryKind *string   `json:"deliveryKind"`
	Reason       *string   `json:"reason"`
	Detail       *string   `json:"detail" doc:"What was decided, in words."`
}

type actionPageView struct {
	Items      []actionView `json:"items" nullable:"false"`
	NextCursor *string      `json:"nextCursor" doc:"For the next page; null on the last."`
}

type matchView struct {
	Kind         string  `json:"kind" enum:"generation,run,delivery,user,project" doc:"run: a run or one of its jobs."`
	ID           string  `json:"id" format:"uuid"`
	GenerationID *string `json:"generationId" format:"uuid" doc:"Null for a user and a project."`
}

type matchesView struct {
	Items []matchView `json:"items" nullable:"false"`
}

func (a *API) generations(w http.ResponseWriter, r *http.Request) error {
	f := wire.NewFilter(r)
	q := operations.AllQuery{
		Status: wire.Word(f, "status", aigen.Statuses()), UserID: f.ID("userId"), ProjectID: f.ID("projectId"),
		From: f.Time("from"), To: f.Time("to"), Limit: f.Limit(),
	}
	if err := f.Faults.Err(); err != nil {
		return err
	}
	var err error
	if q.Before, err = f.CursorID(); err != nil {
		return err
	}
	leave, err := wire.EnterLarge(a.large, web.IdentityOf(r.Context()).UserID)
	if err != nil {
		return err
	}
	defer leave()
	read := func(after *aigen.Generation, limit int) ([]*aigen.Generation, bool, error) {
		part := q
		part.Limit = limit
		if after != nil {
			part.Before = after.ID
		}
		page, err := a.operations.ListAllGenerations(r.Context(), part)
		return page.Items, !page.Next.IsZero(), err
	}
	return a.views.Page(w, r, q.Limit, read, func(g *aigen.Generation) string { return g.ID.String() })
}

func (a *API) generation(w http.ResponseWriter, r *http.Request) error {
	id, err := wire.GenerationID(r)
	if err != nil {
		return err
	}
	story, err := a.operations.GetTimeline(r.Context(), id)
	if err != nil {
		return err
	}
	known, err := a.views.Look(r.Context(), story.Generation)
	if err != nil {
		return err
	}
	generation, err := a.views.Generation(story.Generation, known)
	if err != nil {
		return err
	}
	view := storyView{Generation: generation, Entries: make([]entryView, len(story.Entries))}
	for i := range story.Entries {
		view.Entries[i] = viewEntry(&story.Entries[i])
	}
	return wire.WriteJSON(w, http.StatusOK, view)
}

func viewEntry(e *operations.TimelineEntry) entryView {
	v := entryView{At: e.At.UTC(), Kind: string(e.Kind)}
	switch e.Kind {
	case operations.StoryRun:
		v.Run = &runView{
			ID: e.Run.ID.String(), Number: e.Run.Number, Stage: string(e.Run.Stage), Amount: e.Run.Amount.String(),
			Reservation: string(e.Run.Reservation), SampleID: wire.OrNull(e.Run.SampleID), Deadline: orNoTime(e.Run.Deadline),
		}
	case operations.StoryCredit:
		v.Credit = &creditView{
			Kind: string(e.Credit.Kind), RunID: e.Credit.RunID.String(), Amount: e.Credit.Amount.String(),
			BalanceAfter: e.Credit.BalanceAfter.String(), HeldAfter: e.Credit.HeldAfter.String(),
		}
	case operations.StoryEvent:
		v.Event = &eventView{Type: string(e.Event.Type), Seq: e.Event.Seq, At: e.Event.At.UTC(), EventData: e.Event.Data}
		if by := e.Event.Operator; by != nil {
			v.Event.Operator = &operatorView{ID: by.ID.String(), Reason: by.Reason}
		}
	case operations.StoryJob:
		v.Job = &jobView{ID: e.Job.ID.String(), RunID: e.Run.ID.String(), Attempt: e.Job.Attempt, State: string(e.Job.State)}
	case operations.StoryDelivery:
		d := viewDelivery(*e.Delivery)
		v.Delivery = &d
	case operations.StoryAction:
		action := viewAction(*e.Action)
		v.Action = &action
	}
	return v
}

func orNoTime(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

func viewAction(a app.OperatorAction) actionView {
	return actionView{
		ID: strconv.FormatInt(a.ID, 10), At: a.At.UTC(), OperatorID: a.OperatorID.String(), Kind: string(a.Kind),
		GenerationID: a.GenerationID.String(), DeliveryID: wire.IDOrNull(a.DeliveryID), DeliveryKind: wire.OrNull(string(a.DeliveryKind)),
		Reason: wire.OrNull(a.Reason), Detail: wire.OrNull(a.Detail),
	}
}

func (a *API) fail(w http.ResponseWriter, r *http.Request) error {
	id, err := wire.GenerationID(r)
	if err != nil {
		return err
	}
	_, reason, f, err := a.reasonOf(w, r, true)
	if err != nil {
		return err
	}
	if err := f.Err(); err != nil {
		return err
	}
	g, err := a.operations.FailGeneration(r.Context(), operations.FailGeneration{By: operatorOf(r, reason), GenerationID: id})
	if err != nil {
		return err
	}
	known, err := a.views.Look(r.Context(), g)
	if err != nil {
		return err
	}
	view, err := a.views.Generation(g, known)
	if err != nil {
		return err
	}
	return wire.WriteJSON(w, http.StatusOK, view)
}

func (a *API) search(w http.ResponseWriter, r *http.Request) error {
	found, err := a.operations.Search(r.Context(), r.URL.Query().Get("q"))
	if err != nil {
		return err
	}
	view := matchesView{Items: make([]matchView, len(found))}
	for i, m := range found {
		view.Items[i] = matchView{Kind: string(m.Kind), ID: m.ID.String(), GenerationID: wire.IDOrNull(m.GenerationID)}
	}
	return wire.WriteJSON(w, http.StatusOK, view)
}

func (a *API) actions(w http.ResponseWriter, r *http.Request) error {
	f := wire.NewFilter(r)
	q := operations.ActionQuery{GenerationID: f.ID("generationId"), Limit: f.Limit()}
	if err := f.Faults.Err(); err != nil {
		return err
	}
	if text := f.Get("cursor"); text != "" {
		var err error
		if q.Before, err = strconv.ParseInt(text, 10, 64); err != nil || q.Before < 1 {
			return wire.BadCursor()
		}
	}
	page, err := a.operations.ListActions(r.Context(), q)
	if err != nil {
		return err
	}
	view := actionPageView{Items: make([]actionView, len(page.Items))}
	for i, action := range page.Items {
		view.Items[i] = viewAction(action)
	}
	if page.Next > 0 {
		view.NextCursor = wire.OrNull(strconv.FormatInt(page.Next, 10))
	}
	return wire.WriteJSON(w, http.StatusOK, view)
}
