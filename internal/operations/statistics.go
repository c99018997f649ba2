package operations

import (
	"context"
	"maps"
	"regexp"
	"slices"
	"time"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/app"
	"github.com/creativeflow/aigen/internal/outbox"
)

// Window is a length of time that statistics are made over, ending now.
type Window struct {
	Name   string
	Length time.Duration
	Width  time.Duration // of a part
}

// Windows lists the windows there are. They are fixed, so that a question has a bound
// and its parts can be remembered.
func Windows() []Window {
	return []Window{
		{"1h", time.Hour, time.Minute},
		{"6h", 6 * time.Hour, 5 * time.Minute},
		{"24h", 24 * time.Hour, 20 * time.Minute},
		{"7d", 7 * 24 * time.Hour, 2 * time.Hour},
	}
}

// WindowNamed finds a window; the first for "".
func WindowNamed(name string) (Window, bool) {
	all := Windows()
	if name == "" {
		return all[0], true
	}
	i := slices.IndexFunc(all, func(w Window) bool { return w.Name == name })
	if i < 0 {
		return Window{}, false
	}
	return all[i], true
}

// Statistics is what an operator watches.
type Statistics struct {
	At     time.Time
	Window Window

	Generations  map[aigen.Status]int64 // all there are
	Outbox       []outbox.QueueStats
	Reservations app.ReservationStats
	Activity     []Activity // every part of the window, oldest first, also those without anything
	Samples      StageTimes // over the window
	Final        StageTimes
	Credits      aigen.CreditTotals // of the runs asked for in the window
	Dead         []DeadCause        // errors with their ids and numbers left out
	History      []OutboxSample     // as seen by this process, oldest first
}

// StageTimes sums up how long a stage took where it succeeded, over a sample of the
// newest in each part. Zero where there is none.
type StageTimes struct {
	Count    int
	P50, P95 time.Duration
}

// TimesOf sums up durations.
func TimesOf(ds []time.Duration) StageTimes {
	if len(ds) == 0 {
		return StageTimes{}
	}
	sorted := slices.Sorted(slices.Values(ds))
	at := func(percent int) time.Duration { return sorted[(len(sorted)-1)*percent/100] }
	return StageTimes{Count: len(ds), P50: at(50), P95: at(95)}
}

// deadCauseLimit bounds the distinct errors that are read; a flood of them differs in
// ids and numbers, which are left out and added up here.
const deadCauseLimit = 500

// GetStatistics reads counters, the outbox, and what happened in the window.
func (o *Service) GetStatistics(ctx context.Context, w Window) (Statistics, error) {
	now := o.now()
	st := Statistics{At: now, Window: w, History: o.history.all()}
	stats, err := o.store.Stats(ctx)
	if err != nil {
		return Statistics{}, err
	}
	st.Generations, st.Outbox, st.Reservations = stats.Generations, stats.Outbox, stats.Reservations
	if st.Activity, err = o.activity.get(ctx, o.store, w, now); err != nil {
		return Statistics{}, err
	}
	var samples, final []time.Duration
	for i := range st.Activity {
		a := &st.Activity[i]
		samples, final = append(samples, a.Samples...), append(final, a.Final...)
		st.Credits.Reserved += a.Credits.Reserved
		st.Credits.Deducted += a.Credits.Deducted
		st.Credits.Refunded += a.Credits.Refunded
	}
	st.Samples, st.Final = TimesOf(samples), TimesOf(final)
	causes, err := o.store.DeadCauses(ctx, deadCauseLimit)
	if err != nil {
		return Statistics{}, err
	}
	st.Dead = mergeCauses(causes)
	return st, nil
}

var (
	idInError     = uuidPattern
	numberInError = regexp.MustCompile(`\d+(\.\d+)*`)
)

// mergeCauses adds up what differs in ids and numbers alone, most first.
func mergeCauses(list []DeadCause) []DeadCause {
	type key struct {
		kind outbox.DeliveryKind
		text string
	}
	at := map[key]int{}
	var out []DeadCause
	for _, c := range list {
		text := numberInError.ReplaceAllString(idInError.ReplaceAllString(c.Error, "…"), "#")
		k := key{c.Kind, text}
		i, known := at[k]
		if !known {
			at[k] = len(out)
			out = append(out, c) // with the words of one of them: numbers may say much
			continue
		}
		out[i].Count += c.Count
		if c.Oldest.Before(out[i].Oldest) {
			out[i].Oldest = c.Oldest
		}
		if c.Newest.After(out[i].Newest) {
			out[i].Newest = c.Newest
		}
	}
	slices.SortStableFunc(out, func(a, b DeadCause) int { return int(b.Count - a.Count) })
	return out
}

// Took adds how long a stage took, by the event that ended it.
func (a *Activity) Took(ended aigen.EventType, took time.Duration) {
	if ended == aigen.EventSamplesReady {
		a.Samples = append(a.Samples, took)
	} else {
		a.Final = append(a.Final, took)
	}
}

// SortActivity brings the parts that a store has found, by their numbers, in order.
func SortActivity(parts map[int64]*Activity) []Activity {
	var list []Activity
	for _, i := range slices.Sorted(maps.Keys(parts)) {
		list = append(list, *parts[i])
	}
	return list
}
