package httpapi

import (
	"net/http"
	"time"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/operations"
	"github.com/creativeflow/aigen/internal/outbox"
)

type adminStatisticsView struct {
	At            time.Time             `json:"at"`
	Window        string                `json:"window" enum:"1h,6h,24h,7d"`
	PartSeconds   int                   `json:"partSeconds" doc:"Length of a part of activity."`
	Generations   map[string]int64      `json:"generations" doc:"How many there are, by status."`
	Activity      []adminActivityView   `json:"activity" nullable:"false" doc:"Every part of the window, oldest first; the last one is not over."`
	Stages        adminStagesView       `json:"stages" doc:"Over the window."`
	Credits       totalsView            `json:"credits" doc:"Of what was asked for within the window, as it stands now."`
	Outbox        []adminLaneView       `json:"outbox" nullable:"false"`
	OutboxHistory []adminSampleView     `json:"outboxHistory" nullable:"false" doc:"As this process saw it in the last hour, oldest first."`
	Reservations  adminReservationsView `json:"reservations"`
	Dead          []adminCauseView      `json:"dead" nullable:"false" doc:"Dead deliveries by kind and error, most first. Errors that differ in ids and numbers alone are one."`
}

type adminActivityView struct {
	From      time.Time       `json:"from"`
	Accepted  int64           `json:"accepted"`
	Completed int64           `json:"completed"`
	Failed    int64           `json:"failed"`
	Cancelled int64           `json:"cancelled"`
	Rejected  int64           `json:"rejected" doc:"Of which the content was refused."`
	Retried   int64           `json:"retried" doc:"Jobs that were given to the engine once more."`
	Credits   totalsView      `json:"credits" doc:"Of what was asked for in this part, as it stands now."`
	Stages    adminStagesView `json:"stages"`
}

type adminStagesView struct {
	Samples adminTimesView `json:"samples"`
	Final   adminTimesView `json:"final"`
}

type adminTimesView struct {
	Count int   `json:"count" doc:"How many durations this is made of: a sample of the newest successes of each part."`
	P50   int64 `json:"p50Ms" doc:"Milliseconds from the start of the stage to its success; half took no longer."`
	P95   int64 `json:"p95Ms"`
}

type adminLaneView struct {
	Lane      string  `json:"lane" enum:"jobs,credits,notifications,assets"`
	Depth     int64   `json:"depth" doc:"Deliveries that wait or are being made."`
	Dead      int64   `json:"dead"`
	OldestAge float64 `json:"oldestAgeSeconds" doc:"Of the oldest that is not dead; 0 if there is none."`
}

type adminSampleView struct {
	At    time.Time       `json:"at"`
	Lanes []adminLaneView `json:"lanes" nullable:"false"`
}

type adminReservationsView struct {
	Open      int64   `json:"open" doc:"Neither deducted nor refunded nor refused."`
	Amount    string  `json:"amount" pattern:"^[0-9]+\\.[0-9]{2}$" example:"1.00"`
	OldestAge float64 `json:"oldestAgeSeconds" doc:"0 if there is none."`
}

type adminCauseView struct {
	Lane    string    `json:"lane" enum:"jobs,credits,notifications,assets"`
	Kind    string    `json:"kind" enum:"@kind"`
	Error   string    `json:"error"`
	Count   int64     `json:"count"`
	Oldest  time.Time `json:"oldest"`
	Newest  time.Time `json:"newest"`
	Example string    `json:"example" format:"uuid" doc:"One of the deliveries."`
}

func (a *API) adminStatistics(w http.ResponseWriter, r *http.Request) error {
	window, ok := operations.WindowNamed(r.URL.Query().Get("window"))
	if !ok {
		return invalid(aigen.FieldError{Location: "query.window", Message: "must be one of " + joined(windowNames())})
	}
	st, err := a.c.Operations.GetStatistics(r.Context(), window)
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, viewStatistics(st))
}

func windowNames() (names []string) {
	for _, w := range operations.Windows() {
		names = append(names, w.Name)
	}
	return names
}

func viewStatistics(st operations.Statistics) adminStatisticsView {
	v := adminStatisticsView{
		At: st.At.UTC(), Window: st.Window.Name, PartSeconds: int(st.Window.Width.Seconds()), Generations: map[string]int64{},
		Activity: make([]adminActivityView, len(st.Activity)), Stages: adminStagesView{viewTimes(st.Samples), viewTimes(st.Final)},
		Credits: viewTotals(st.Credits), Outbox: viewLanes(st.Outbox, st.At),
		OutboxHistory: make([]adminSampleView, len(st.History)), Dead: make([]adminCauseView, len(st.Dead)),
		Reservations: adminReservationsView{
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
		v.OutboxHistory[i] = adminSampleView{At: s.At.UTC(), Lanes: viewLanes(s.Queues, s.At)}
	}
	for i, c := range st.Dead {
		v.Dead[i] = adminCauseView{
			Lane: string(c.Kind.Queue()), Kind: string(c.Kind), Error: c.Error, Count: c.Count,
			Oldest: c.Oldest.UTC(), Newest: c.Newest.UTC(), Example: c.Example.String(),
		}
	}
	return v
}

func viewActivity(a operations.Activity) adminActivityView {
	return adminActivityView{
		From: a.From.UTC(), Accepted: a.Events[aigen.EventCreated], Completed: a.Events[aigen.EventCompleted],
		Failed: a.Events[aigen.EventFailed], Cancelled: a.Events[aigen.EventCancelled], Rejected: a.Events[aigen.EventRejected],
		Retried: a.Events[aigen.EventSamplesRetrying] + a.Events[aigen.EventFinalRetrying], Credits: viewTotals(a.Credits),
		Stages: adminStagesView{viewTimes(operations.TimesOf(a.Samples)), viewTimes(operations.TimesOf(a.Final))},
	}
}

func viewTimes(t operations.StageTimes) adminTimesView {
	return adminTimesView{Count: t.Count, P50: t.P50.Milliseconds(), P95: t.P95.Milliseconds()}
}

func viewLanes(list []outbox.QueueStats, at time.Time) []adminLaneView {
	views := make([]adminLaneView, len(list))
	for i, l := range list {
		views[i] = adminLaneView{Lane: string(l.Queue), Depth: l.Depth, Dead: l.Dead, OldestAge: age(l.Oldest, at)}
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

type adminHealthView struct {
	At           time.Time    `json:"at"`
	Version      string       `json:"version"`
	Began        time.Time    `json:"began" doc:"When this process started."`
	Status       string       `json:"status" enum:"ok,degraded,down" doc:"The worst of all."`
	Dependencies []Dependency `json:"dependencies" nullable:"false"`
	Parts        []adminPart  `json:"parts" nullable:"false" doc:"What does the work."`
}

type adminPart struct {
	Need     string `json:"need" doc:"database, credits, engine …"`
	Uses     string `json:"uses" doc:"Credentials are masked."`
	Embedded bool   `json:"embedded" doc:"Done within the process."`
}

type adminSettingView struct {
	Group  string `json:"group"`
	Name   string `json:"name"`
	Value  string `json:"value" doc:"Secrets are masked; empty where it is not set."`
	Source string `json:"source" doc:"environment, .env, file, default, generated."`
	Doc    string `json:"doc"`
}

type adminSettingsView struct {
	Items []adminSettingView `json:"items" nullable:"false"`
}

func (a *API) adminHealth(w http.ResponseWriter, r *http.Request) error {
	h := a.c.Operations.GetHealth(r.Context())
	v := adminHealthView{
		At: h.At.UTC(), Version: h.Version, Began: h.Began.UTC(), Status: string(h.State),
		Dependencies: make([]Dependency, len(h.Dependencies)), Parts: make([]adminPart, len(h.Parts)),
	}
	for i, d := range h.Dependencies {
		v.Dependencies[i] = Dependency{Name: d.Name, State: DependencyState(d.State), Mode: d.Mode, Detail: d.Detail}
	}
	for i, p := range h.Parts {
		v.Parts[i] = adminPart(p)
	}
	return writeJSON(w, http.StatusOK, v)
}

func (a *API) adminSettings(w http.ResponseWriter, _ *http.Request) error {
	settings := a.c.Operations.GetSettings()
	v := adminSettingsView{Items: make([]adminSettingView, len(settings))}
	for i, s := range settings {
		v.Items[i] = adminSettingView(s)
	}
	return writeJSON(w, http.StatusOK, v)
}
