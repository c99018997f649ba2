package console

import (
	"net/http"
	"strconv"
	"time"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/app"
	"github.com/creativeflow/aigen/internal/operations"
	"github.com/creativeflow/aigen/internal/outbox"
	"github.com/creativeflow/aigen/internal/runtimeinfo"
)

// deliveriesDesk is what is in the outbox.
type deliveriesDesk struct {
	Items  []outbox.Delivery
	Causes []operations.DeadCause
	Next   string
	State  outbox.DeliveryState
	Lane   outbox.Queue
	Kind   outbox.DeliveryKind
	States []outbox.DeliveryState
	Lanes  []outbox.Queue
	Kinds  []outbox.DeliveryKind
}

func (k *Console) operatorDeliveries(w http.ResponseWriter, r *http.Request) error {
	d := deliveriesDesk{
		States: []outbox.DeliveryState{outbox.DeliveryDead, outbox.DeliveryWaiting, outbox.DeliveryLeased}, Lanes: outbox.Queues(), Kinds: outbox.DeliveryKinds(),
		Lane: choice(r, "lane", outbox.Queues()), Kind: choice(r, "kind", outbox.DeliveryKinds()),
	}
	d.State = choice(r, "state", d.States)
	page, err := k.c.Operations.ListDeliveries(r.Context(), outbox.DeliveryQuery{
		State: d.State, Queue: d.Lane, Kind: d.Kind, After: queryID(r, "after"), Limit: operatorPage,
	})
	if err != nil {
		return err
	}
	d.Items = page.Items
	if !page.Next.IsZero() {
		d.Next = nextPage(operatorDeliveriesPath, r.URL.Query(), "after", page.Next.String())
	}
	hour, _ := operations.WindowNamed("")
	st, err := k.c.Operations.GetStatistics(r.Context(), hour)
	if err != nil {
		return err
	}
	d.Causes = st.Dead
	return k.renderOperator(w, r, "deliveries", "rows", "Deliveries", operatorView{Place: "deliveries", Body: d})
}

func (k *Console) operatorRetryAll(w http.ResponseWriter, r *http.Request) error {
	cmd := operations.RetryDeliveries{By: operatorNote(r)}
	cmd.Dead.Queue = outbox.Queue(r.PostFormValue("lane"))
	cmd.Dead.Kind = outbox.DeliveryKind(r.PostFormValue("kind"))
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
	_, err = k.c.Operations.DropDelivery(r.Context(), operations.DropDelivery{By: operatorNote(r), ID: id, Force: r.PostFormValue("force") == "yes"})
	if err != nil {
		return err
	}
	return k.back(w, r, "dropped", operatorDeliveriesPath)
}

// actionsDesk is what operators did.
type actionsDesk struct {
	Items []actionRow
	Next  string
}

// actionRow is an action, or several alike that an operator did with one click.
type actionRow struct {
	app.OperatorAction

	More []app.OperatorAction // the others, newest first
}

// Count is how many actions the row stands for.
func (r actionRow) Count() int { return len(r.More) + 1 }

// actionsPage is how many actions are read for a page: many of them may make one row.
const actionsPage = 100

// together is how close actions alike must be to be one row.
const together = time.Minute

// actionRows joins what belongs together: "Retry all" records each delivery.
func actionRows(list []app.OperatorAction) (rows []actionRow) {
	for _, a := range list {
		if n := len(rows); n > 0 && rows[n-1].alike(a) {
			rows[n-1].More = append(rows[n-1].More, a)
			continue
		}
		rows = append(rows, actionRow{OperatorAction: a})
	}
	return rows
}

func (r actionRow) alike(a app.OperatorAction) bool {
	return r.OperatorID == a.OperatorID && r.Kind == a.Kind && r.DeliveryKind == a.DeliveryKind && r.Reason == a.Reason && r.Detail == a.Detail &&
		r.At.Sub(a.At).Abs() < together
}

func (k *Console) operatorActions(w http.ResponseWriter, r *http.Request) error {
	before, _ := strconv.ParseInt(r.URL.Query().Get("before"), 10, 64)
	page, err := k.c.Operations.ListActions(r.Context(), operations.ActionQuery{Before: max(0, before), Limit: actionsPage})
	if err != nil {
		return err
	}
	d := actionsDesk{Items: actionRows(page.Items)}
	if page.Next > 0 {
		d.Next = nextPage(operatorActionsPath, r.URL.Query(), "before", strconv.FormatInt(page.Next, 10))
	}
	return k.renderOperator(w, r, "actions", "rows", "Actions", operatorView{Place: "actions", Body: d})
}

// systemDesk is how the process and what it stands on are.
type systemDesk struct {
	operations.Health

	Groups []settingGroup
	All    bool                        // not those alone that differ from the default
	Set    int                         // how many differ from the default
	Uses   map[string]runtimeinfo.Part // by what is needed
}

type settingGroup struct {
	Name     string
	Settings []runtimeinfo.Setting
}

func (k *Console) operatorSystem(w http.ResponseWriter, r *http.Request) error {
	d := systemDesk{Health: k.c.Operations.GetHealth(r.Context()), Uses: map[string]runtimeinfo.Part{}}
	for _, p := range d.Parts {
		d.Uses[p.Need] = p
	}
	d.All = r.URL.Query().Get("settings") == "all"
	for _, s := range k.c.Operations.GetSettings() {
		set := s.Source != "default"
		if set {
			d.Set++
		}
		if !set && !d.All {
			continue
		}
		if n := len(d.Groups); n == 0 || d.Groups[n-1].Name != s.Group {
			d.Groups = append(d.Groups, settingGroup{Name: s.Group})
		}
		g := &d.Groups[len(d.Groups)-1]
		g.Settings = append(g.Settings, s)
	}
	return k.renderOperator(w, r, "system", "health", "System", operatorView{Place: "system", Body: d})
}

// droppable says what follows from dropping a delivery, before it is done.
func droppable(d outbox.Delivery) string {
	switch d.Kind {
	case outbox.DeliverSampleJob, outbox.DeliverFinalJob:
		return "If its generation still waits for it, that is failed and its credits are refunded."
	case outbox.DeliverReserve:
		return "The reservation is given up. What the credit service holds for it is refunded."
	case outbox.DeliverNotify:
		return "The user gets no notification."
	case outbox.DeliverIngest:
		return "The picture is not copied. Its URL leads to the engine for as long as the engine has it."
	case outbox.DeliverDeduct, outbox.DeliverRefund, outbox.DeliverRelease:
	}
	return "The credit service is never told of this decision, so its account and ours stay different. Settle the difference by hand."
}

// deadHint is what to know before a dead delivery is tried again.
func deadHint(d outbox.Delivery) string {
	if d.State == outbox.DeliveryDead && d.Kind.Queue() == outbox.QueueJobs {
		return "No generation waits for this job any more. A retry makes the engine work for nothing."
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

// brief is the beginning and the end of an id: ids of one day begin alike, and those that a
// portal counts up end alike.
func brief(id aigen.ID) string {
	text := id.String()
	return text[:8] + "…" + text[len(text)-6:]
}
