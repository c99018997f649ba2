package operations

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/app"
	"github.com/creativeflow/aigen/internal/outbox"
)

// Timeline is all that is known of one generation.
type Timeline struct {
	Generation *aigen.Generation
	Entries    []TimelineEntry // in the order of time
}

// TimelineKind says what an entry of a story is.
type TimelineKind string

// The kinds of entries, in the order in which those of one moment stand.
const (
	StoryRun      TimelineKind = "run"      // the user asked for something
	StoryCredit   TimelineKind = "credit"   // the embedded ledger booked something
	StoryEvent    TimelineKind = "event"    // something happened
	StoryJob      TimelineKind = "job"      // the engine was given something to do
	StoryDelivery TimelineKind = "delivery" // something is to be done outside, or could not be
	StoryAction   TimelineKind = "action"   // an operator did something
)

var storyOrder = []TimelineKind{StoryRun, StoryCredit, StoryEvent, StoryJob, StoryDelivery, StoryAction}

// TimelineEntry is one moment of a generation. Of the pointers, that of Kind is set; a
// job's run is too.
type TimelineEntry struct {
	At   time.Time
	Kind TimelineKind

	Run      *aigen.Run
	Credit   *LedgerEntry
	Event    *aigen.Event
	Job      *aigen.Job
	Delivery *outbox.Delivery
	Action   *app.OperatorAction
}

// storyLimit bounds what is read of each kind. A generation has a handful; thousands
// of regenerations would still make a page that can be shown.
const storyLimit = 2000

// GetTimeline returns all that is known of a generation: what the user asked for, what
// happened, the jobs, what is still to be delivered or could not be, the movements of
// the embedded ledger, and what operators did. A delivery that was made has left no
// row. Error code: CodeNotFound.
func (o *Service) GetTimeline(ctx context.Context, id aigen.ID) (Timeline, error) {
	g, err := o.store.Get(ctx, id)
	if err != nil {
		return Timeline{}, err
	}
	story := Timeline{Generation: g}
	runs := make([]aigen.ID, len(g.Runs))
	for i := range g.Runs {
		runs[i] = g.Runs[i].ID
		story.addRun(&g.Runs[i])
	}
	events, err := o.store.Events(ctx, id, 0, storyLimit)
	if err != nil {
		return Timeline{}, err
	}
	for i := range events {
		story.add(TimelineEntry{At: events[i].At, Kind: StoryEvent, Event: &events[i]})
	}
	entries, err := o.store.Entries(ctx, runs)
	if err != nil {
		return Timeline{}, err
	}
	for i := range entries {
		story.add(TimelineEntry{At: entries[i].At, Kind: StoryCredit, Credit: &entries[i]})
	}
	deliveries, err := o.store.ListDeliveries(ctx, outbox.DeliveryQuery{GenerationID: id, Limit: storyLimit})
	if err != nil {
		return Timeline{}, err
	}
	for i := range deliveries {
		story.add(TimelineEntry{At: deliveries[i].CreatedAt, Kind: StoryDelivery, Delivery: &deliveries[i]})
	}
	actions, err := o.store.Actions(ctx, ActionQuery{GenerationID: id, Limit: storyLimit})
	if err != nil {
		return Timeline{}, err
	}
	for i := range actions {
		story.add(TimelineEntry{At: actions[i].At, Kind: StoryAction, Action: &actions[i]})
	}
	story.sort()
	return story, nil
}

func (s *Timeline) add(e TimelineEntry) { s.Entries = append(s.Entries, e) }

func (s *Timeline) addRun(r *aigen.Run) {
	s.add(TimelineEntry{At: r.CreatedAt, Kind: StoryRun, Run: r})
	for i := range r.Jobs {
		at, known := TimeOfID(r.Jobs[i].ID)
		if !known || at.Before(r.CreatedAt) {
			at = r.CreatedAt
		}
		s.add(TimelineEntry{At: at, Kind: StoryJob, Run: r, Job: &r.Jobs[i]})
	}
}

func (s *Timeline) sort() {
	slices.SortStableFunc(s.Entries, func(a, b TimelineEntry) int {
		// To the millisecond: an id says no more, and what belongs together shall not
		// be torn apart by less.
		return cmp.Or(a.At.Truncate(time.Millisecond).Compare(b.At.Truncate(time.Millisecond)),
			cmp.Compare(slices.Index(storyOrder, a.Kind), slices.Index(storyOrder, b.Kind)), a.At.Compare(b.At))
	})
}
