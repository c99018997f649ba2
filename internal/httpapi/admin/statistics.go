package admin

import (
	"net/http"
	"time"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/httpapi/wire"
	"github.com/creativeflow/aigen/internal/operations"
	"github.com/creativeflow/aigen/internal/outbox"
	"github.com/creativeflow/aigen/internal/runtimeinfo"
)

type statisticsView struct {
	At            time.Time        `json:"at"`
	Window        string           `json:"window" enum:"1h,6h,24h,7d"`
	PartSeconds   int              `json:"partSeconds" doc:"Length of a part of activity."`
	Generations   map[string]int64 `json:"generations" doc:"How many there are, by status."`
	Activity      []activityView   `json:"activity" nullable:"false" doc:"Every part of the window, oldest first; the last one is not over."`
	Stages        stagesView       `json:"stages" doc:"Over the window."`
	Credits       wire.TotalsView  `json:"credits" doc:"Of what was asked for within the window, as it stands now."`
	Outbox        []laneView       `json:"outbox" nullable:"false"`
	OutboxHistory []sampleView     `json:"outboxHistory" nullable:"false" doc:"As this process saw it in the last hour, oldest first."`
	Reservations  reservationsView `json:"reservations"`
	Dead          []causeView      `json:"dead" nullable:"false" doc:"Dead deliveries by kind and error, most first. Errors that differ in ids and numbers alone are one."`
}

type activityView struct {
	From      time.Time       `json:"from"`
	Accepted  int64           `json:"accepted"`
	Completed int64           `json:"completed"`
	Failed    int64           `json:"failed"`
	Cancelled int64           `json:"cancelled"`
	Rejected  int64           `json:"rejected" doc:"Of which the content was refused."`
	Retried   int64           `json:"retried" doc:"Jobs that were given to the engine once more."`
	Credits   wire.TotalsView `json:"credits" doc:"Of what was asked for in this part, as it stands now."`
	Stages    stagesView      `json:"stages"`
}

type stagesView struct {
	Samples timesView `json:"samples"`
	Final   timesView `json:"final"`
}

type timesView struct {
	Count int   `json:"count" doc:"How many durations this is made of: a sample of the newest successes of each part."`
	P50   int64 `json:"p50Ms" doc:"Milliseconds from the start of the stage to its success; half took no longer."`
	P95   int64 `json:"p95Ms"`
}

type laneView struct {
	Lane      string  `json:"lane" enum:"jobs,credits,notifications,assets"`
	Depth     int64   `json:"depth" doc:"Deliveries that wait or are being made."`
	Dead      int64   `json:"dead"`
	OldestAge float64 `json:"oldestAgeSeconds" doc:"Of the oldest that is not dead; 0 if there is none."`
}

type sampleView struct {
	At    time.Time  `json:"at"`
	Lanes []laneView `json:"lanes" nullable:"false"`
}

type reservationsView struct {
	Open      int64   `json:"open" doc:"Neither deducted nor refunded nor refused."`
	Amount    string  `json:"amount" pattern:"^[0-9]+\\.[0-9]{2}$" example:"1.00"`
	OldestAge float64 `json:"oldestAgeSeconds" doc:"0 if there is none."`
}

type causeView struct {
	Lane    string    `json:"lane" enum:"jobs,credits,notifications,assets"`
	Kind    string    `json:"kind" enum:"@kind"`
	Error   string    `json:"error"`
	Count   int64     `json:"count"`
	Oldest  time.Time `json:"oldest"`
	Newest  time.Time `json:"newest"`
	Example string    `json:"example" format:"uuid" doc:"One of the deliveries."`
}

func (a *API) statistics(w http.ResponseWriter, r *http.Request) error {
	window, ok := operations.WindowNamed(r.URL.Query().Get("window"))
	if !ok {
		return wire.Invalid(aigen.FieldError{Location: "query.window", Message: "must be one of " + wire.Joined(windowNames())})
	}
	st, err := a.operations.GetStatistics(r.Context(), window)
	if err != nil {
		return err
	}
	return wire.WriteJSON(w, http.StatusOK, viewStatistics(st))
}

func windowNames() (names []string) {
	for _, w := range operations.Windows() {
		names = append(names, w.Name)
	}
	return names
}

func viewStatistics(st operations.Statistics) statisticsView {
	v := statisticsView{
		At: st.At.UTC(), Window: st.Window.Name, PartSeconds: int(st.Window.Width.Seconds()), Generations: map[string]int64{},
		Activity: make([]activityView, len(st.Activity)), Stages: stagesView{viewTimes(st.Samples), viewTimes(st.Final)},
		Credits: wire.ViewTotals(st.Credits), Outbox: viewLanes(st.Outbox, st.At),
		OutboxHistory: make([]sampleView, len(st.History)), Dead: make([]causeView, len(st.Dead)),
		Reservations: reservationsView{
			Open: st.Reservations.Open, Amount: st.Reservations.Amount.String(), OldestAge: age(st.Reservations.Oldest, st.At),
		},
	}
	for status, n := range st.Generations {
		v.Generations[string(status)] = n
	}
	for i, a := range st.Activity {
		v.Activity[i] = viewActivity(a)
	}
	for i, s := range st.History {
		v.OutboxHistory[i] = sampleView{At: s.At.UTC(), Lanes: viewLanes(s.Queues, s.At)}
	}
	for i, c := range st.Dead {
		v.Dead[i] = causeView{
			Lane: string(c.Kind.Queue()), Kind: string(c.Kind), Error: c.Error, Count: c.Count,
			Oldest: c.Oldest.UTC(), Newest: c.Newest.UTC(), Example: c.Example.String(),
		}
	}
	return v
}

func viewActivity(a operations.Activity) activityView {
	return activityView{
		From: a.From.UTC(), Accepted: a.Events[aigen.EventCreated], Completed: a.Events[aigen.EventCompleted],
		Failed: a.Events[aigen.EventFailed], Cancelled: a.Events[aigen.EventCancelled], Rejected: a.Events[aigen.EventRejected],
		Retried: a.Events[aigen.EventSamplesRetrying] + a.Events[aigen.EventFinalRetrying], Credits: wire.ViewTotals(a.Credits),
		Stages: stagesView{viewTimes(operations.TimesOf(a.Samples)), viewTimes(operations.TimesOf(a.Final))},
	}
}

func viewTimes(t operations.StageTimes) timesView {
	return timesView{Count: t.Count, P50: t.P50.Milliseconds(), P95: t.P95.Milliseconds()}
}

func viewLanes(list []outbox.QueueStats, at time.Time) []laneView {
	views := make([]laneView, len(list))
	for i, l := range list {
		views[i] = laneView{Lane: string(l.Queue), Depth: l.Depth, Dead: l.Dead, OldestAge: age(l.Oldest, at)}
	}
	return views
}

// age in seconds; 0 for none, and for one of the future, where clocks differ.
func age(since, at time.Time) float64 {
	if since.IsZero() {
		return 0
	}
	return max(0, at.Sub(since).Round(time.Millisecond).Seconds())
}

type healthView struct {
	At           time.Time                `json:"at"`
	Version      string                   `json:"version"`
	Began        time.Time                `json:"began" doc:"When this process started."`
	Status       string                   `json:"status" enum:"ok,degraded,down" doc:"The worst of all."`
	Dependencies []runtimeinfo.Dependency `json:"dependencies" nullable:"false"`
	Parts        []runtimeinfo.Part       `json:"parts" nullable:"false" doc:"What does the work."`
}

type settingsView struct {
	Items []runtimeinfo.Setting `json:"items" nullable:"false"`
}

func (a *API) health(w http.ResponseWriter, r *http.Request) error {
	h := a.operations.GetHealth(r.Context())
	return wire.WriteJSON(w, http.StatusOK, healthView{
		At: h.At.UTC(), Version: h.Version, Began: h.Began.UTC(), Status: string(h.State),
		Dependencies: append([]runtimeinfo.Dependency{}, h.Dependencies...), Parts: append([]runtimeinfo.Part{}, h.Parts...),
	})
}

func (a *API) settings(w http.ResponseWriter, _ *http.Request) error {
	return wire.WriteJSON(w, http.StatusOK, settingsView{Items: append([]runtimeinfo.Setting{}, a.operations.GetSettings()...)})
}
