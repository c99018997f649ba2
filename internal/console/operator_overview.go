package console

import (
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/operations"
	"github.com/creativeflow/aigen/internal/outbox"
	"github.com/creativeflow/aigen/internal/runtimeinfo"
)

// overview is the data of the first page.
type overview struct {
	Window   string
	Windows  []string
	At       time.Time
	Concerns []alert
	Tiles    []tile
	Outcomes chart
	Samples  chart
	Final    chart
	Credits  chart
	Depth    chart
	Age      chart
	Lanes    []laneRow
	Dead     []operations.DeadCause
	Statuses []statusRow
}

// alert is something that somebody should look at.
type alert struct {
	Kind string // "bad", "warn"
	Text string
	URL  string
	Link string
}

// tile is one number.
type tile struct {
	Name, Value, Hint string
	Kind              string // "bad" draws it so
	URL               string
}

type laneRow struct {
	outbox.QueueStats

	Age time.Duration
}

type statusRow struct {
	Status aigen.Status
	Count  int64
}

func (k *Console) operatorOverview(w http.ResponseWriter, r *http.Request) error {
	window, ok := operations.WindowNamed(r.URL.Query().Get("window"))
	if !ok {
		window, _ = operations.WindowNamed("")
	}
	st, err := k.c.Operations.GetStatistics(r.Context(), window)
	if err != nil {
		return err
	}
	o := newOverview(st)
	o.Concerns = append(healthConcerns(k.c.Operations.GetHealth(r.Context())), o.Concerns...)
	return k.renderOperator(w, r, "overview", "overview", "Overview", operatorView{Place: "overview", Body: o})
}

func newOverview(st operations.Statistics) overview {
	o := overview{Window: st.Window.Name, At: st.At, Dead: st.Dead}
	for _, w := range operations.Windows() {
		o.Windows = append(o.Windows, w.Name)
	}
	for _, s := range aigen.Statuses() {
		o.Statuses = append(o.Statuses, statusRow{s, st.Generations[s]})
	}
	for _, l := range st.Outbox {
		row := laneRow{QueueStats: l}
		if !l.Oldest.IsZero() {
			row.Age = max(0, st.At.Sub(l.Oldest))
		}
		o.Lanes = append(o.Lanes, row)
	}
	n := countsOf(st)
	o.Tiles = tilesOf(st, n)
	o.Concerns = concernsOf(o.Lanes, n, st)
	o.draw(st, n)
	return o
}

// counts are sums over the window.
type counts struct {
	accepted, completed, failed, rejected, cancelled, retried int64
	depth, dead                                               int64
}

func countsOf(st operations.Statistics) (n counts) {
	for _, a := range st.Activity {
		n.accepted += a.Events[aigen.EventCreated]
		n.completed += a.Events[aigen.EventCompleted]
		n.failed += a.Events[aigen.EventFailed]
		n.rejected += a.Events[aigen.EventRejected]
		n.cancelled += a.Events[aigen.EventCancelled]
		n.retried += a.Events[aigen.EventSamplesRetrying] + a.Events[aigen.EventFinalRetrying]
	}
	for _, l := range st.Outbox {
		n.depth += l.Depth
		n.dead += l.Dead
	}
	return n
}

// failedShare is of what the service should have brought to an end.
func (n counts) failedShare() float64 {
	if n.failed+n.completed == 0 {
		return 0
	}
	return float64(n.failed) / float64(n.failed+n.completed)
}

func tilesOf(st operations.Statistics, n counts) []tile {
	working := st.Generations[aigen.StatusPending] + st.Generations[aigen.StatusProcessingSamples] + st.Generations[aigen.StatusProcessingFinal]
	failed := tile{Name: "Failed", Value: number(n.failed), Hint: percent(n.failedShare()) + " of those that completed or failed", URL: operatorGenerationsPath + "?status=Failed"}
	if n.failedShare() >= .05 && n.failed > 1 {
		failed.Kind = "bad"
	}
	dead := tile{Name: "Dead letters", Value: number(n.dead), Hint: "no delivery was given up", URL: operatorDeliveriesPath + "?state=dead"}
	if n.dead > 0 {
		dead.Kind, dead.Hint = "bad", "given up, need a decision"
	}
	return []tile{
		{Name: "In progress", Value: number(working), Hint: number(st.Generations[aigen.StatusAwaitingSelection]) + " waiting for a choice"},
		{Name: "Accepted", Value: number(n.accepted), Hint: number(n.retried) + " jobs retried"},
		{Name: "Completed", Value: number(n.completed), Hint: number(n.cancelled) + " cancelled", URL: operatorGenerationsPath + "?status=Completed"},
		failed,
		{Name: "Outbox", Value: number(n.depth), Hint: "waiting or in progress", URL: operatorDeliveriesPath},
		dead,
		{Name: "Credits held", Value: st.Reservations.Amount.String(), Hint: number(st.Reservations.Open) + " open reservations"},
	}
}

// windowName is how a sentence names a window: "hour", "7 days".
func windowName(w operations.Window) string {
	switch length := w.Length; {
	case length == time.Hour:
		return "hour"
	case length < 48*time.Hour:
		return strconv.Itoa(int(length.Hours())) + " hours"
	default:
		return strconv.Itoa(int(length.Hours())/24) + " days"
	}
}

func percent(share float64) string {
	return strconv.FormatFloat(math.Round(share*1000)/10, 'f', -1, 64) + "%"
}

// slowLane is when a lane's oldest delivery is worth a look: most take no second.
const slowLane = 2 * time.Minute

func concernsOf(lanes []laneRow, n counts, st operations.Statistics) (list []alert) {
	if n.dead > 0 {
		text := number(n.dead) + " deliveries were given up."
		if n.dead == 1 {
			text = "1 delivery was given up."
		}
		list = append(list, alert{"bad", text, operatorDeliveriesPath + "?state=dead", "See why, and retry"})
	}
	for _, l := range lanes {
		if l.Age >= slowLane {
			list = append(list, alert{"warn", "The oldest of " + number(l.Depth) + " " + string(l.Queue) + " has waited for " + took(l.Age) + ".",
				operatorDeliveriesPath + "?lane=" + string(l.Queue), "See them"})
		}
	}
	if share := n.failedShare(); share >= .2 && n.failed >= 3 {
		list = append(list, alert{"bad", percent(share) + " of the generations that completed or failed in the last " + windowName(st.Window) + " failed.", operatorGenerationsPath + "?status=Failed", "See them"})
	}
	return list
}

func healthConcerns(h operations.Health) (list []alert) {
	for _, d := range h.Dependencies {
		switch d.State {
		case runtimeinfo.StateDown:
			list = append(list, alert{"bad", title(d.Name) + " (" + d.Mode + ") is down: " + d.Detail + ".", operatorSystemPath, "System"})
		case runtimeinfo.StateDegraded:
			list = append(list, alert{"warn", title(d.Name) + " (" + d.Mode + "): " + d.Detail + ".", operatorSystemPath, "System"})
		case runtimeinfo.StateOK:
		}
	}
	return list
}

// draw makes the charts.
func (o *overview) draw(st operations.Statistics, n counts) {
	slots := make([]time.Time, len(st.Activity))
	column := func(value func(operations.Activity) float64) []float64 {
		all := make([]float64, len(st.Activity))
		for i, a := range st.Activity {
			all[i] = value(a)
		}
		return all
	}
	for i, a := range st.Activity {
		slots[i] = a.From
	}
	event := func(t aigen.EventType) []float64 {
		return column(func(a operations.Activity) float64 { return float64(a.Events[t]) })
	}
	o.Outcomes = stacked(chart{Title: "Accepted, and how they ended"}, slots, []series{
		{"a", "Completed", event(aigen.EventCompleted), number(n.completed)},
		{"b", "Failed", event(aigen.EventFailed), number(n.failed)},
		{"c", "Rejected", event(aigen.EventRejected), number(n.rejected)},
		{"d", "Cancelled", event(aigen.EventCancelled), number(n.cancelled)},
	}, series{"ink", "Accepted", event(aigen.EventCreated), number(n.accepted)}, whole)

	o.Samples = stageChart("Time for samples", slots, st.Samples, column, func(a operations.Activity) []time.Duration { return a.Samples })
	o.Final = stageChart("Time for the final", slots, st.Final, column, func(a operations.Activity) []time.Duration { return a.Final })

	held := st.Credits.Held()
	o.Credits = stacked(chart{Title: "Credits reserved"}, slots, []series{
		{"a", "Deducted", column(func(a operations.Activity) float64 { return amount(a.Credits.Deducted) }), st.Credits.Deducted.String()},
		{"d", "Refunded", column(func(a operations.Activity) float64 { return amount(a.Credits.Refunded) }), st.Credits.Refunded.String()},
		{"c", "Still held", column(func(a operations.Activity) float64 { return amount(a.Credits.Held()) }), held.String()},
	}, series{}, func(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) })
	o.Credits.Legend = append([]legend{{Class: "none", Name: "Reserved", Value: st.Credits.Reserved.String()}}, o.Credits.Legend...)
	o.drawOutbox(st)
}

// stageChart shows the median and the 95th percentile of each part.
func stageChart(
	name string, slots []time.Time, all operations.StageTimes, column func(func(operations.Activity) float64) []float64, of func(operations.Activity) []time.Duration,
) chart {
	value := func(pick func(operations.StageTimes) time.Duration) []float64 {
		return column(func(a operations.Activity) float64 {
			t := operations.TimesOf(of(a))
			if t.Count == 0 {
				return math.NaN()
			}
			return pick(t).Seconds()
		})
	}
	total := func(d time.Duration) string {
		if all.Count == 0 {
			return ""
		}
		return took(d)
	}
	return curves(chart{Title: name, Empty: "No picture was made in this period."}, slots, []series{
		{"a", "p50", value(func(t operations.StageTimes) time.Duration { return t.P50 }), total(all.P50)},
		{"d", "p95", value(func(t operations.StageTimes) time.Duration { return t.P95 }), total(all.P95)},
	}, timeAxis, inSeconds)
}

// drawOutbox shows how the lanes were, as far as this process has seen them.
func (o *overview) drawOutbox(st operations.Statistics) {
	history := append(st.History, operations.OutboxSample{At: st.At, Queues: st.Outbox}) //nolint:gocritic // a list of our own
	slots := make([]time.Time, len(history))
	classes := map[outbox.Queue]string{outbox.QueueJobs: "a", outbox.QueueCredits: "c", outbox.QueueNotifications: "d"}
	depth, age := []series{}, []series{}
	for i, lane := range outbox.Queues() {
		d, a := series{class: classes[lane], name: title(lane)}, series{class: classes[lane], name: title(lane)}
		for n, sample := range history {
			slots[n] = sample.At
			v, old := math.NaN(), math.NaN()
			if i < len(sample.Queues) {
				l := sample.Queues[i]
				v, old = float64(l.Depth), 0
				if !l.Oldest.IsZero() {
					old = math.Max(0, sample.At.Sub(l.Oldest).Seconds())
				}
			}
			d.values, a.values = append(d.values, v), append(a.values, old)
		}
		d.total = number(o.Lanes[i].Depth)
		a.total = took(o.Lanes[i].Age)
		depth, age = append(depth, d), append(age, a)
	}
	o.Depth = curves(chart{Title: "Outbox: waiting deliveries", Empty: "Nothing is waiting."}, slots, depth, axis, whole)
	o.Age = curves(chart{Title: "Outbox: age of the oldest", Empty: "Nothing is waiting."}, slots, age, timeAxis, inSeconds)
}

func whole(v float64) string {
	if v < 1 && v > 0 {
		return "" // half of one: there is no such thing
	}
	return number(int64(math.Round(v)))
}

func inSeconds(v float64) string { return took(time.Duration(v * float64(time.Second))) }

// amount is for a drawing: no sum is built on it.
func amount(c aigen.Credits) float64 { return float64(c) / 100 }
