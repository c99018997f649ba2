package httpapi

import (
	"net/http"
	"strconv"
	"time"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/app"
	"github.com/creativeflow/aigen/internal/operations"
)

type adminStoryView struct {
	Generation generationView   `json:"generation"`
	Entries    []adminEntryView `json:"entries" nullable:"false" doc:"In the order of time."`
}

// adminEntryView has the member that kind names.
type adminEntryView struct {
	At       time.Time          `json:"at"`
	Kind     string             `json:"kind" enum:"run,credit,event,job,delivery,action" doc:"Names the member that is there."`
	Run      *adminRunView      `json:"run,omitempty"`
	Credit   *adminCreditView   `json:"credit,omitempty"`
	Event    *adminEventView    `json:"event,omitempty"`
	Job      *adminJobView      `json:"job,omitempty"`
	Delivery *adminDeliveryView `json:"delivery,omitempty"`
	Action   *adminActionView   `json:"action,omitempty"`
}

type adminRunView struct {
	ID          string     `json:"id" format:"uuid" doc:"Also the reference of its reservation at the credit service."`
	Number      int        `json:"number"`
	Stage       string     `json:"stage" enum:"samples,final"`
	Amount      string     `json:"amount" pattern:"^[0-9]+\\.[0-9]{2}$" example:"1.00"`
	Reservation string     `json:"reservation" enum:"pending,held,deducted,refunded,refused,releasing" doc:"As it stands now."`
	SampleID    *string    `json:"sampleId" doc:"The chosen sample; final only."`
	Deadline    *time.Time `json:"deadline"`
}

type adminCreditView struct {
	Kind         string `json:"kind" enum:"reserve,deduct,refund"`
	RunID        string `json:"runId" format:"uuid"`
	Amount       string `json:"amount" pattern:"^[0-9]+\\.[0-9]{2}$" example:"1.00"`
	BalanceAfter string `json:"balanceAfter" pattern:"^-?[0-9]+\\.[0-9]{2}$" example:"100.00" doc:"Of the user's account."`
	HeldAfter    string `json:"heldAfter" pattern:"^-?[0-9]+\\.[0-9]{2}$" example:"1.00"`
}

type adminEventView struct {
	Type string    `json:"type" enum:"@event" doc:"What happened."`
	Seq  int64     `json:"seq" doc:"Number within the generation, without gaps."`
	At   time.Time `json:"at"`
	aigen.EventData

	Operator *adminOperatorView `json:"operator,omitempty" doc:"Who made it happen, if that was an operator. Users do not see this."`
}

type adminOperatorView struct {
	ID     string `json:"id" format:"uuid"`
	Reason string `json:"reason"`
}

type adminJobView struct {
	ID      string `json:"id" format:"uuid"`
	RunID   string `json:"runId" format:"uuid"`
	Attempt int    `json:"attempt"`
	State   string `json:"state" enum:"live,succeeded,failed,rejected,dropped" doc:"As it stands now."`
}

type adminActionView struct {
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

type adminActionPageView struct {
	Items      []adminActionView `json:"items" nullable:"false"`
	NextCursor *string           `json:"nextCursor" doc:"For the next page; null on the last."`
}

type adminMatchView struct {
	Kind         string  `json:"kind" enum:"generation,run,delivery,user,project" doc:"run: a run or one of its jobs."`
	ID           string  `json:"id" format:"uuid"`
	GenerationID *string `json:"generationId" format:"uuid" doc:"Null for a user and a project."`
}

type adminMatchesView struct {
	Items []adminMatchView `json:"items" nullable:"false"`
}

func (a *API) adminGenerations(w http.ResponseWriter, r *http.Request) error {
	f := newFilter(r)
	q := operations.AllQuery{
		Status: word(f, "status", aigen.Statuses()), UserID: f.id("userId"), ProjectID: f.id("projectId"),
		From: f.time("from"), To: f.time("to"), Limit: f.limit(),
	}
	if err := f.faults.err(); err != nil {
		return err
	}
	var err error
	if q.Before, err = f.cursorID(); err != nil {
		return err
	}
	leave, err := a.large.enter(identityOf(r.Context()).UserID)
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
		page, err := a.c.Operations.ListAllGenerations(r.Context(), part)
		return page.Items, !page.Next.IsZero(), err
	}
	return a.generationPage(r, w, q.Limit, read, func(g *aigen.Generation) string { return g.ID.String() })
}

func (a *API) adminGeneration(w http.ResponseWriter, r *http.Request) error {
	id, err := generationID(r)
	if err != nil {
		return err
	}
	story, err := a.c.Operations.GetTimeline(r.Context(), id)
	if err != nil {
		return err
	}
	known, err := a.facts(r.Context(), story.Generation)
	if err != nil {
		return err
	}
	generation, err := a.viewGeneration(story.Generation, known)
	if err != nil {
		return err
	}
	view := adminStoryView{Generation: generation, Entries: make([]adminEntryView, len(story.Entries))}
	for i := range story.Entries {
		view.Entries[i] = viewEntry(&story.Entries[i])
	}
	return writeJSON(w, http.StatusOK, view)
}

func viewEntry(e *operations.TimelineEntry) adminEntryView {
	v := adminEntryView{At: e.At.UTC(), Kind: string(e.Kind)}
	switch e.Kind {
	case operations.StoryRun:
		v.Run = &adminRunView{
			ID: e.Run.ID.String(), Number: e.Run.Number, Stage: string(e.Run.Stage), Amount: e.Run.Amount.String(),
			Reservation: string(e.Run.Reservation), SampleID: orNull(e.Run.SampleID), Deadline: orNoTime(e.Run.Deadline),
		}
	case operations.StoryCredit:
		v.Credit = &adminCreditView{
			Kind: string(e.Credit.Kind), RunID: e.Credit.RunID.String(), Amount: e.Credit.Amount.String(),
			BalanceAfter: e.Credit.BalanceAfter.String(), HeldAfter: e.Credit.HeldAfter.String(),
		}
	case operations.StoryEvent:
		v.Event = &adminEventView{Type: string(e.Event.Type), Seq: e.Event.Seq, At: e.Event.At.UTC(), EventData: e.Event.Data}
		if by := e.Event.Operator; by != nil {
			v.Event.Operator = &adminOperatorView{ID: by.ID.String(), Reason: by.Reason}
		}
	case operations.StoryJob:
		v.Job = &adminJobView{ID: e.Job.ID.String(), RunID: e.Run.ID.String(), Attempt: e.Job.Attempt, State: string(e.Job.State)}
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

func viewAction(a app.OperatorAction) adminActionView {
	return adminActionView{
		ID: strconv.FormatInt(a.ID, 10), At: a.At.UTC(), OperatorID: a.OperatorID.String(), Kind: string(a.Kind),
		GenerationID: a.GenerationID.String(), DeliveryID: nextID(a.DeliveryID), DeliveryKind: orNull(string(a.DeliveryKind)),
		Reason: orNull(a.Reason), Detail: orNull(a.Detail),
	}
}

func (a *API) adminFail(w http.ResponseWriter, r *http.Request) error {
	id, err := generationID(r)
	if err != nil {
		return err
	}
	_, reason, f, err := a.reasonOf(w, r, true)
	if err != nil {
		return err
	}
	if err := f.err(); err != nil {
		return err
	}
	g, err := a.c.Operations.FailGeneration(r.Context(), operations.FailGeneration{By: operatorOf(r, reason), GenerationID: id})
	if err != nil {
		return err
	}
	return a.answerGeneration(w, r, g, false)
}

func (a *API) adminSearch(w http.ResponseWriter, r *http.Request) error {
	found, err := a.c.Operations.Search(r.Context(), r.URL.Query().Get("q"))
	if err != nil {
		return err
	}
	view := adminMatchesView{Items: make([]adminMatchView, len(found))}
	for i, m := range found {
		view.Items[i] = adminMatchView{Kind: string(m.Kind), ID: m.ID.String(), GenerationID: nextID(m.GenerationID)}
	}
	return writeJSON(w, http.StatusOK, view)
}

func (a *API) adminActions(w http.ResponseWriter, r *http.Request) error {
	f := newFilter(r)
	q := operations.ActionQuery{GenerationID: f.id("generationId"), Limit: f.limit()}
	if err := f.faults.err(); err != nil {
		return err
	}
	if text := f.get("cursor"); text != "" {
		var err error
		if q.Before, err = strconv.ParseInt(text, 10, 64); err != nil || q.Before < 1 {
			return badCursor()
		}
	}
	page, err := a.c.Operations.ListActions(r.Context(), q)
	if err != nil {
		return err
	}
	view := adminActionPageView{Items: make([]adminActionView, len(page.Items))}
	for i, action := range page.Items {
		view.Items[i] = viewAction(action)
	}
	if page.Next > 0 {
		view.NextCursor = orNull(strconv.FormatInt(page.Next, 10))
	}
	return writeJSON(w, http.StatusOK, view)
}
