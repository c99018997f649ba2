package httpapi

import (
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/creativeflow/aigen"
)

// places counts what each user has open of something. One that forgets to close its own
// must not use up the connections, or the memory, of all.
type places struct {
	limit int
	full  func() error // what is said where there is no place

	mu   sync.Mutex
	open map[aigen.ID]int
}

// newStreams has places for event streams.
func newStreams(limit int) *places {
	return &places{limit: limit, open: map[aigen.ID]int{}, full: func() error {
		return newAPIError(codeTooManyStreams, "You have "+strconv.Itoa(limit)+" event streams open. Close one first.")
	}}
}

// newLargeAnswers has places for answers that take up memory until they were read.
func newLargeAnswers() *places {
	return &places{limit: largeAnswers, open: map[aigen.ID]int{}, full: func() error {
		return newAPIError(aigen.CodeRateLimited, strconv.Itoa(largeAnswers)+" lists are on their way to you. Read one first.")
	}}
}

// enter takes a place; leave gives it back.
func (p *places) enter(user aigen.ID) (leave func(), err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.open[user] >= p.limit {
		return nil, p.full()
	}
	p.open[user]++
	return sync.OnceFunc(func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.open[user]--; p.open[user] <= 0 {
			delete(p.open, user)
		}
	}), nil
}

// eventView is an event on the wire.
type eventView struct {
	Type string    `json:"type" enum:"@event" doc:"What happened."`
	Seq  int64     `json:"seq,omitempty" doc:"Number within the generation, without gaps; missing for progress."`
	At   time.Time `json:"at"`
	aigen.EventData
}

func (a *API) viewEvent(e aigen.Event) eventView {
	v := eventView{Type: string(e.Type), Seq: e.Seq, At: e.At.UTC(), EventData: e.Data}
	if len(v.SampleAssets) > 0 {
		v.SampleAssets = slices.Clone(v.SampleAssets)
		for i := range v.SampleAssets {
			v.SampleAssets[i] = a.c.Links.Show(v.SampleAssets[i])
		}
	}
	if v.FinalAsset != nil {
		final := a.c.Links.Show(*v.FinalAsset)
		v.FinalAsset = &final
	}
	return v
}
