package faults

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"
)

// Run does a whole run and judges it. An error means that there is no verdict: the
// instrument itself could not do its work.
func Run(ctx context.Context, o Options) (res *Result, err error) {
	o.setDefaults()
	folder := o.Folder
	if folder == "" {
		if folder, err = os.MkdirTemp("", "aigen-faults-*"); err != nil {
			return nil, err
		}
	}
	say := func(format string, args ...any) {
		_, _ = fmt.Fprintf(o.Out, clockText(time.Now())+" "+format+"\n", args...)
	}
	say("seed %d, store %s, %d seconds; logs in %s", o.Seed, o.Store, o.Seconds, folder)
	s, err := newCluster(o, folder)
	defer func() {
		err = errors.Join(err, s.close())
		if o.Folder == "" && err == nil && res != nil && len(res.Violations) == 0 {
			err = os.RemoveAll(folder)
		}
	}()
	if err != nil {
		return nil, err
	}
	res = &Result{Seed: o.Seed}
	if !o.Calm {
		res.Schedule = only(Schedule(o.Store, o.Seconds, o.Seed), o.Only)
	}
	db, err := openDatabase(o.Store, s.databaseAt())
	if err != nil {
		return nil, err
	}
	defer db.Close()
	if res.Evidence, err = s.perform(ctx, db, res.Schedule, say); err != nil {
		return nil, err
	}
	res.judge()
	res.print(o.Out, &o, func(ids map[string]bool) map[string][]timelineLine { return s.logLines(ctx, ids) })
	if o.autopsy != nil {
		o.autopsy(db, res.Evidence)
	}
	return res, nil
}

func (r *Result) judge() {
	for _, f := range r.Evidence.Faults {
		if f.Err == "" {
			r.Faults++
		}
	}
	r.Generations = len(r.Evidence.Generations)
	r.Violations = Judge(r.Evidence)
}

// perform lets people work while the schedule is carried out, waits for the dust to
// settle, ends everything in order and gathers the evidence.
func (s *cluster) perform(ctx context.Context, db *sql.DB, schedule []Fault, say func(string, ...any)) (*Observations, error) {
	start, err := s.measure()
	if err != nil {
		return nil, err
	}
	stop := make(chan struct{})
	streams, endStreams := context.WithCancel(s.ctx)
	defer endStreams()
	var working, listening sync.WaitGroup
	for _, p := range s.people {
		p.stop, p.streams, p.listening = stop, streams, &listening
		listening.Go(func() { p.followAll(streams) })
		for slot := range s.o.Slots {
			working.Go(func() { p.live(slot) })
		}
	}
	began := time.Now()
	go s.tellProgress(ctx, stop, began, say)
	s.inject(ctx, schedule)
	select {
	case <-ctx.Done():
	case <-time.After(time.Until(began.Add(s.o.duration()))):
	}
	close(stop)
	if err := s.heal(); err != nil {
		return nil, err
	}
	say("the last fault is over after %.0f s; waiting for the dust to settle", time.Since(began).Seconds())
	ev := &Observations{Store: s.o.Store}
	settling := time.Now()
	finished := make(chan struct{})
	go func() { working.Wait(); close(finished) }()
	select {
	case <-finished:
	case <-time.After(settleAtMost):
		ev.Settled = "people were still waiting for something after " + settleAtMost.String()
	}
	if still := s.settle(db); still != "" {
		ev.Settled = still
	}
	s.caughtUp(db)
	say("settled after %.1f s", time.Since(settling).Seconds())
	endStreams()
	listening.Wait()
	ev.Residue = s.restOf(db, start)
	for _, r := range s.replicas {
		ev.Exits = append(ev.Exits, r.close())
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	return ev, s.gather(db, ev)
}

// restOf looks at what idle replicas still hold.
func (s *cluster) restOf(db *sql.DB, start []Leaks) []Leaks {
	for _, p := range s.people {
		p.client.CloseIdleConnections()
	}
	streamClient.CloseIdleConnections()
	s.engine.client.CloseIdleConnections()
	all := s.residue(start)
	if s.o.Store == PostgreSQL {
		var n int
		if err := db.QueryRow("SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()").Scan(&n); err == nil {
			for i := range all {
				all[i].DatabaseConnections = n
			}
		}
	}
	return all
}

func (s *cluster) tellProgress(ctx context.Context, stop <-chan struct{}, began time.Time, say func(string, ...any)) {
	tick := time.NewTicker(10 * time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-stop:
			return
		case <-tick.C:
		}
		s.records.mu.Lock()
		made := map[string]bool{}
		for _, c := range s.records.Calls {
			if c.Verb == "create" && c.HTTP == 202 {
				made[c.Generation] = true
			}
		}
		faults, odd := len(s.records.Faults), len(s.records.Odd)
		s.records.mu.Unlock()
		say("%4.0f s: %d faults, %d generations promised, %d odd things", time.Since(began).Seconds(), faults, len(made), odd)
	}
}
