package main

import (
	"cmp"
	"slices"
	"time"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/client"
)

// watchRow is a generation as the table shows it.
type watchRow struct {
	id      aigen.ID
	prompt  string
	status  aigen.Status
	attempt int
	percent int // -1: not known
	samples int
	failure string
	created time.Time
	updated time.Time // of the event or the generation that was seen last
}

// watchRows are all that are known, by their ids.
type watchRows map[aigen.ID]*watchRow

// known takes what a list says. An event that came meanwhile may know better.
func (rows watchRows) known(g *client.Generation) {
	r := rows.row(g.ID, g.CreatedAt)
	r.prompt, r.created = printable(g.InputPrompt), g.CreatedAt
	if g.UpdatedAt.Before(r.updated) {
		return
	}
	if r.status != g.Status {
		r.percent = -1
	}
	r.status, r.attempt, r.updated, r.samples = g.Status, g.Attempt, g.UpdatedAt, len(g.SampleAssets)
	r.failure = messageOf(g.Error)
}

func (rows watchRows) event(e client.Event) {
	r := rows.row(e.Data.GenerationID, e.At)
	switch {
	case e.Type == aigen.EventProgress:
		if e.Data.Progress != nil && !r.status.Ended() {
			r.percent = min(max(*e.Data.Progress, 0), 100)
		}
		if r.status == "" {
			r.status = e.Data.Status
		}
		return
	case e.At.Before(r.updated):
		return
	}
	r.status, r.updated, r.percent = e.Data.Status, e.At, -1
	if e.Data.Attempt > 0 {
		r.attempt = e.Data.Attempt
	}
	if e.Type == aigen.EventSamplesReady {
		r.samples = len(e.Data.SampleAssets)
	}
	r.failure = messageOf(e.Data.Error)
}

func (rows watchRows) row(id aigen.ID, at time.Time) *watchRow {
	if rows[id] == nil {
		rows[id] = &watchRow{id: id, percent: -1, created: at}
	}
	return rows[id]
}

func messageOf(f *aigen.Failure) string {
	if f == nil {
		return ""
	}
	return printable(f.Message)
}

// newest are up to n rows in the order of the table: the newest first. Where not all
// have room, those that run come before those that have ended.
func (rows watchRows) newest(n int) []*watchRow {
	all := make([]*watchRow, 0, len(rows))
	for _, r := range rows {
		all = append(all, r)
	}
	slices.SortFunc(all, func(a, b *watchRow) int {
		return cmp.Or(b.created.Compare(a.created), slices.Compare(b.id[:], a.id[:]))
	})
	if len(all) <= n {
		return all
	}
	slices.SortStableFunc(all, func(a, b *watchRow) int {
		return cmp.Compare(rank(a), rank(b))
	})
	shown := all[:max(n, 0)]
	slices.SortStableFunc(shown, func(a, b *watchRow) int { return b.created.Compare(a.created) })
	return shown
}

func rank(r *watchRow) int {
	switch {
	case r.running():
		return 0
	case !r.status.Ended():
		return 1
	}
	return 2
}

// running: the service is at work; a choice is for the user to make.
func (r *watchRow) running() bool {
	return !r.status.Ended() && r.status != aigen.StatusAwaitingSelection
}

// prune forgets what no table will show any more.
func (rows watchRows) prune(keep int) {
	if len(rows) <= 2*keep {
		return
	}
	kept := rows.newest(keep)
	clear(rows)
	for _, r := range kept {
		rows[r.id] = r
	}
}
