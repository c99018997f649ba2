package aigen_test

import (
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"pgregory.net/rapid"

	"github.com/creativeflow/aigen"
)

// actions are what can happen to a generation; a name that is listed more often
// is drawn more often. Commands that end one are rare, else no life is long.
var actions = []struct {
	weight int
	name   string
	do     func(*history)
}{
	{8, "answer", (*history).answer},
	{3, "accept", (*history).accept},
	{4, "select", (*history).selectSample},
	{2, "regenerate", (*history).regenerate},
	{1, "cancel", (*history).cancel},
	{1, "fail", (*history).fail},
	{1, "not dispatched", (*history).notDispatched},
	{3, "clock", (*history).clockMoves},
	{1, "expire", (*history).expire},
	{2, "overdue", (*history).overdue},
	{12, "report", (*history).report},
	{4, "repeat", (*history).repeat},
	{1, "reload", (*history).reload},
}

// TestRandomLives drives generations through random histories, with a model beside
// them, and checks what must always hold after each step.
func TestRandomLives(t *testing.T) {
	t.Parallel()
	var names []string
	do := map[string]func(*history){}
	for _, a := range actions {
		do[a.name] = a.do
		for range a.weight {
			names = append(names, a.name)
		}
	}
	reached := &tally{n: map[string]int{}}
	t.Cleanup(func() {
		if !t.Failed() && !testing.Short() {
			reached.enough(t)
		}
	})
	for _, name := range []string{"1", "2", "3", "4", "5", "6", "7", "8"} { // rapid makes 100 of each
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rapid.Check(t, func(t *rapid.T) {
				h := begin(t, reached)
				for after := 0; after < 8 && h.steps < 60; h.steps++ {
					if h.m.ended() {
						after++
					}
					do[rapid.SampledFrom(names).Draw(t, "action")](h)
					h.settle()
				}
			})
		})
	}
}

// tally counts what the histories reached.
type tally struct {
	sync.Mutex
	n map[string]int
}

func (c *tally) hit(what string) {
	c.Lock()
	defer c.Unlock()
	c.n[what]++
}

// enough: a property that is never put to the test holds always.
func (c *tally) enough(t *testing.T) {
	t.Helper()
	for _, s := range aigen.Statuses() {
		assert.Positive(t, c.n[string(s)], s)
	}
	for _, what := range []string{
		"applied", "duplicate", "stale", "ignored", "unknown_job", "callback_contradiction", "invalid_state", "unknown_sample",
		"reserve", "dispatch", "deduct", "refund", "release", "notify", "released after the end", "generation_failed",
		"samples_retrying", "final_retrying", "credits_insufficient", "credits_unavailable", "generation_completed",
		"charged for what was rejected", "expired Pending", "expired ProcessingSamples", "expired AwaitingSelection", "expired ProcessingFinal",
	} {
		assert.Positive(t, c.n[what], what)
	}
}
