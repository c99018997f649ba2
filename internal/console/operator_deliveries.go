package console

import (
	"net/http"
	"strconv"

	aigen "github.com/creativeflow/aigen-orchestrator"
	"github.com/creativeflow/aigen-orchestrator/internal/app"
)

// deliveriesDesk is what is in the outbox.
type deliveriesDesk struct {
	Items  []app.Delivery
	Causes []app.DeadCause
	Next   string
	State  app.DeliveryState
	Lane   app.Lane
	Kind   app.DeliveryKind
	States []app.DeliveryState
	Lanes  []app.Lane
	Kinds  []app.DeliveryKind
}

func (k *Console) operatorDeliveries(w http.ResponseWriter, r *http.Request) error {
	d := deliveriesDesk{
		States: []app.DeliveryState{app.DeliveryDead, app.DeliveryWaiting, app.DeliveryLeased}, Lanes: app.Lanes(), Kinds: app.DeliveryKinds(),
		Lane: choice(r, "lane", app.Lanes()), Kind: choice(r, "kind", app.DeliveryKinds()),
	}
	d.State = choice(r, "state", d.States)
	page, err := k.c.Operations.ListDeliveries(r.Context(), app.DeliveryQuery{
		State: d.State, Lane: d.Lane, Kind: d.Kind, After: queryID(r, "after"), Limit: operatorPage,
	})
	if err != nil {
		return err
	}
	d.Items = page.Items
	if !page.Next.IsZero() {
		d.Next = nextPage(operatorDeliveriesPath, r.URL.Query(), "after", page.Next.String())
	}
	hour, _ := app.WindowNamed("")
	st, err := k.c.Operations.GetStatistics(r.Context(), hour)
	if err != nil {
		return err
	}
	d.Causes = st.Dead
	return k.showDesk(w, r, "deliveries", "rows", "Deliveries", desk{Place: "deliveries", Body: d})
}

func (k *Console) operatorRetryAll(w http.ResponseWriter, r *http.Request) error {
	cmd := app.RetryDeliveries{By: operatorNote(r)}
	cmd.Dead.Lane = app.Lane(r.PostFormValue("lane"))
	cmd.Dead.Kind = app.DeliveryKind(r.PostFormValue("kind"))
	if _, err := k.c.Operations.RetryDeliveries(r.Context(), cmd); err != nil {
		return err
	}
	return k.back(w, r, "retried", operatorDeliveriesPath)
}

func (k *Console) operatorRetry(w http.ResponseWriter, r *http.Request) error {
	id, err := pathDelivery(r)
	if err != nil {
		return err
	}
	if _, err := k.c.Operations.RetryDelivery(r.Context(), operatorNote(r), id); err != nil {
		return err
	}
	return k.back(w, r, "retried", operatorDeliveriesPath)
}

func (k *Console) operatorDrop(w http.ResponseWriter, r *http.Request) error {
	id, err := pathDelivery(r)
	if err != nil {
		return err
	}
	_, err = k.c.Operations.DropDelivery(r.Context(), app.DropDelivery{By: operatorNote(r), ID: id, Force: r.PostFormValue("force") == "yes"})
	if err != nil {
		return err
	}
	return k.back(w, r, "dropped", operatorDeliveriesPath)
}

// actionsDesk is what operators did.
type actionsDesk struct {
	Items []app.OperatorAction
	Next  string
}

func (k *Console) operatorActions(w http.ResponseWriter, r *http.Request) error {
	before, _ := strconv.ParseInt(r.URL.Query().Get("before"), 10, 64)
	page, err := k.c.Operations.ListActions(r.Context(), app.ActionQuery{Before: max(0, before), Limit: operatorPage})
	if err != nil {
		return err
	}
	d := actionsDesk{Items: page.Items}
	if page.Next > 0 {
		d.Next = nextPage(operatorActionsPath, r.URL.Query(), "before", strconv.FormatInt(page.Next, 10))
	}
	return k.showDesk(w, r, "actions", "rows", "What operators did", desk{Place: "actions", Body: d})
}

// systemDesk is how the process and what it stands on are.
type systemDesk struct {
	app.Health

	Groups []settingGroup
	Uses   map[string]app.Part // by what is needed
}

type settingGroup struct {
	Name     string
	Settings []app.Setting
}

func (k *Console) operatorSystem(w http.ResponseWriter, r *http.Request) error {
	d := systemDesk{Health: k.c.Operations.GetHealth(r.Context()), Uses: map[string]app.Part{}}
	for _, p := range d.Parts {
		d.Uses[p.Need] = p
	}
	for _, s := range k.c.Operations.GetSettings() {
		if n := len(d.Groups); n == 0 || d.Groups[n-1].Name != s.Group {
			d.Groups = append(d.Groups, settingGroup{Name: s.Group})
		}
		g := &d.Groups[len(d.Groups)-1]
		g.Settings = append(g.Settings, s)
	}
	return k.showDesk(w, r, "system", "health", "System", desk{Place: "system", Body: d})
}

// droppable says what follows from dropping a delivery, before it is done.
func droppable(d app.Delivery) string {
	switch d.Kind {
	case app.DeliverSampleJob, app.DeliverFinalJob:
		return "If its generation still waits for it, that is failed and its credits are given back."
	case app.DeliverReserve:
		return "The reservation is given up. What the credit service holds for it is refunded."
	case app.DeliverNotify:
		return "The user is not told."
	case app.DeliverDeduct, app.DeliverRefund, app.DeliverRelease:
	}
	return "The credit service never hears of this decision: its account and ours differ for good. Settle it by hand."
}

// deadHint is what to know before a dead delivery is tried again.
func deadHint(d app.Delivery) string {
	if d.State == app.DeliveryDead && d.Kind.Lane() == app.LaneJobs {
		return "Nobody waits for this job any more: to try it again gives the engine work for nothing."
	}
	return ""
}

// operatorName shortens the id of who did something, and says when it was you.
func operatorName(s session, id aigen.ID) string {
	if s.UserID == id {
		return "you"
	}
	return brief(id)
}

// brief is the end of an id: its beginning is a time, much the same for all of a day.
func brief(id aigen.ID) string { return "…" + id.String()[24:] }
