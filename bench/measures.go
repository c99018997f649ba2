package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"time"
)

// measure is a group of figures that is taken together, once a round.
type measure struct {
	name  string
	quick bool // also in the short run
	take  func(b *bench, ctx context.Context) error
}

func measures() []measure {
	return []measure{
		{"bare", true, (*bench).measureBare},
		{"accept", true, (*bench).measureAccept},
		{"half", true, (*bench).measureHalf},
		{"river", true, (*bench).measureRiver},
		{"bulk", true, (*bench).measureBulk},
		{"publish", true, (*bench).measurePublish},
		{"relay", true, (*bench).measureRelay},
		{"callbacks", true, (*bench).measureCallbacks},
		{"lives", true, (*bench).measureLives},
		{"sse", false, (*bench).measureStreams},
		{"start", true, (*bench).measureStart},
		{"sqlite", true, (*bench).measureSQLite},
		{"replicas", false, (*bench).measureReplicas},
		{"grown", false, (*bench).measureGrown},
	}
}

func measureNames() []string {
	var names []string
	for _, m := range measures() {
		names = append(names, m.name)
	}
	return names
}

// measureAll goes through all measures in each round, so that a bad moment of the
// machine falls on one round of a figure and not on all of them.
func (b *bench) measureAll(ctx context.Context) error {
	for round := 1; round <= b.o.rounds; round++ {
		for _, m := range measures() {
			chosen := b.o.only == "" && (m.quick || !b.o.quick) || slices.Contains(b.o.names(), m.name)
			if !chosen || m.name == "grown" && round > 1 { // ten million rows are made once
				continue
			}
			b.rest(ctx)
			fmt.Fprintf(os.Stderr, "round %d: %s\n", round, m.name)
			if err := m.take(b, ctx); err != nil {
				return fmt.Errorf("%s: %w", m.name, err)
			}
			if err := ctx.Err(); err != nil {
				return err
			}
		}
	}
	return nil
}

// rest waits until the servers are through with what the measure before has left them: a
// database and a long queue to remove. After a while they are measured as they are.
func (b *bench) rest(ctx context.Context) {
	const step, quiet, longest = 500 * time.Millisecond, 25 * time.Millisecond, 30 * time.Second
	before := b.spent(nil)
	for end := time.Now().Add(longest); time.Now().Before(end); {
		select {
		case <-ctx.Done():
			return
		case <-time.After(step):
		}
		now := b.spent(nil)
		if now[1]-before[1]+now[2]-before[2] < quiet {
			return
		}
		before = now
	}
}

// aim is what a figure is compared with and should reach.
type aim struct {
	baseline string
	target   string
	met      func(value, ratio float64) bool
}

func ratioOf(least float64) func(float64, float64) bool {
	return func(_, ratio float64) bool { return ratio >= least }
}

func least(v float64) func(float64, float64) bool {
	return func(value, _ float64) bool { return value >= v }
}
func under(v float64) func(float64, float64) bool {
	return func(value, _ float64) bool { return value < v }
}

// aims are the targets of issue 6, and what else is worth comparing.
var aims = map[string]aim{
	acceptName(1):   {bareName(1), "≥ 0.85 × (a)", ratioOf(0.85)},
	acceptName(32):  {bareName(32), "", nil},
	acceptName(128): {bareName(128), "≥ 2.5 × (a)", ratioOf(2.5)},
	acceptName(512): {bareName(512), "", nil},

	"(d) River InsertTx, 128": {bareName(128), "", nil},
	"(b) bulk inserts":        {bareName(128), "", nil},

	"accepting at half of the highest rate p99":    {"", "< 50 ms", under(50)},
	"202 to queue at half of the highest rate p99": {"", "< 100 ms", under(100)},

	"relay": {"(c) confirmed publishes", "≥ 0.8 × (c)", ratioOf(0.8)},

	"whole lifecycles": {"", "≥ 1000/s", least(1000)},

	"SQLite: accepting, 128": {bareName(128), "≥ 8000/s", least(8000)},
	"SQLite: ready":          {"", "≤ 300 ms", under(300)},
	"memory at rest":         {"", "≤ 40 MiB", under(40)},

	"2 replicas: accepting, 128": {acceptName(128), "", nil},
	"4 replicas: accepting, 128": {acceptName(128), "", nil},

	"grown: accepting, 128": {"grown: empty tables, 128", "≥ 0.9 × empty", ratioOf(0.9)},
}

func bareName(connections int) string {
	return fmt.Sprintf("(a) one transaction a request, %d", connections)
}

func acceptName(connections int) string { return fmt.Sprintf("accepting, %d", connections) }

// crowds are the numbers of clients.
func (b *bench) crowds() []int {
	if b.o.quick {
		return []int{1, 128}
	}
	return []int{1, 32, 128, 512}
}

func (b *bench) warm() time.Duration { return b.o.length / 4 }
