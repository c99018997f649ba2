package app

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/creativeflow/aigen"
)

// lane delivers one lane of the outbox. Three goroutines share the work: run
// claims, the deliverer delivers in as many as it likes, and settle writes the
// results in bulk.
type lane struct {
	r    *Relay
	name Lane
	to   deliverer
	take func(context.Context, Claim) ([]Delivery, error) // ClaimDeliveries, or by turns
	wake chan struct{}

	gatherFor time.Duration // from one beginning of fresh ones to the next

	mu       sync.Mutex
	running  bool
	open     map[aigen.ID]time.Time // under way, since when
	promised int                    // places kept for a claim, and for what is being written (express.go)
	fresh    []Delivery             // written leased, open, not begun
	began    time.Time              // when the last of such began
	behind   bool                   // older ones may be waiting
	claimed  time.Time              // when the last claim was made
	results  []DeliveryResult       // ended, not written yet
	settled  chan struct{}          // told when results got longer
	away     *outage                // nil: the receiver answers, for all that is known
	answered time.Time              // when it last did
	told     time.Time              // when the log last had a delivery that found it away all the same

	due atomic.Bool // there may be something to claim

	// starved: the last claim found no room. Only then is there anything to claim when
	// room comes; a claim in vain is a transaction too.
	starved atomic.Bool
}

// claimLimit bounds one claim: more rows in one transaction gain nothing and make
// the others wait.
const claimLimit = 500

// Results are written together: nobody waits for them, and a row that is removed a
// moment later costs nothing but a repeat if the process dies in that moment.
const (
	resultsFor  = 20 * time.Millisecond
	resultsMost = 500
)

func newLane(r *Relay, name Lane, to deliverer, gatherFor time.Duration) *lane {
	return &lane{
		r: r, name: name, to: to, take: r.outbox.ClaimDeliveries, gatherFor: gatherFor, wake: make(chan struct{}, 1),
		open: map[aigen.ID]time.Time{}, settled: make(chan struct{}, 1), behind: true,
	}
}

// wakeUp lets the lane look for deliveries.
func (l *lane) wakeUp() {
	l.due.Store(true)
	signal(l.wake)
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default: // there is a signal waiting already
	}
}

func (l *lane) run(ctx context.Context) {
	// Deliveries may outlive ctx by the grace; results are written to the end.
	work, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	var wg sync.WaitGroup
	stopSettling := make(chan struct{})
	wg.Go(func() { l.settle(work, stopSettling) })

	poll := time.NewTicker(l.r.c.Poll)
	defer poll.Stop()
	l.startTaking()
	l.due.Store(true)
	for ctx.Err() == nil {
		fresh, later := l.takeFresh()
		l.beginFresh(work, fresh)
		if l.due.Swap(false) && l.claim(work) {
			l.due.Store(true)
			continue
		}
		select {
		case <-ctx.Done():
		case <-l.wake:
		case <-later:
		case <-poll.C:
			l.due.Store(true)
		}
	}
	for _, d := range l.stopTaking() {
		l.done(work, d, ErrReturned)
	}
	l.drain(cancel)
	close(stopSettling)
	wg.Wait()
}

func (l *lane) startTaking() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.running = true
}

// stopTaking returns what was taken and not begun.
func (l *lane) stopTaking() []Delivery {
	l.mu.Lock()
	defer l.mu.Unlock()
	fresh := l.fresh
	l.running, l.fresh = false, nil
	return fresh
}

// beginFresh hands over what was written leased, if the receiver is there.
func (l *lane) beginFresh(ctx context.Context, ds []Delivery) {
	if len(ds) == 0 || !l.isAway() {
		l.begin(ctx, ds)
		return
	}
	for _, d := range ds {
		l.done(ctx, d, ErrReturned)
	}
}

// begin hands over deliveries that are open.
func (l *lane) begin(ctx context.Context, ds []Delivery) {
	if len(ds) > 0 {
		go l.to.deliver(ctx, ds, func(i int, err error) { l.done(ctx, ds[i], err) })
	}
}

// claim takes what there is room for and hands it over. It reports whether there
// may be more.
func (l *lane) claim(ctx context.Context) bool {
	l.starved.Store(true) // before the look: what ends from here on must wake us if there is none
	room := l.reserve()
	if room == 0 {
		return false // we are woken when there is room again
	}
	l.starved.Store(false)
	now := l.r.now()
	ds, err := l.take(ctx, Claim{
		Lane: l.name, Owner: l.r.c.Owner, Limit: room, Now: now, Until: now.Add(l.r.c.Lease),
	})
	l.mu.Lock()
	l.promised -= room
	if err == nil {
		l.behind = len(ds) == room
	}
	l.probing(ds)
	begun := time.Now()
	for _, d := range ds {
		l.open[d.ID] = begun
	}
	l.mu.Unlock()
	if err != nil {
		l.r.log.Error("claim deliveries", "lane", l.name, "error", err)
		return false
	}
	l.begin(ctx, ds)
	return len(ds) == room
}

// reserve keeps places for a claim. While nothing is known to wait it leaves half of
// them to what is being written: most claims find nothing.
func (l *lane) reserve() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	room := l.to.window() - len(l.open) - l.promised
	switch {
	case !l.behind && room > 1:
		room /= 2
	case l.away == nil && l.behind && room < l.to.window()/4 && time.Since(l.claimed) < resultsFor:
		return 0 // a few now would cost as much as many a moment later
	}
	room = max(min(room, claimLimit), 0)
	if l.away != nil {
		room = l.probeRoom(room)
	}
	l.promised += room
	l.claimed = time.Now()
	return room
}

// done takes the end of an attempt. A second call for the same one is ignored.
func (l *lane) done(ctx context.Context, d Delivery, err error) {
	l.mu.Lock()
	begun, mine := l.open[d.ID]
	delete(l.open, d.ID)
	half := len(l.open)+l.promised <= l.to.window()/2
	l.mu.Unlock()
	if !mine {
		return
	}
	if half && l.starved.Load() {
		l.wakeUp() // there is room for many
	}
	waits := l.heard(d, begun, err)
	res := l.r.judge(context.WithoutCancel(ctx), l, d, err, waits)
	l.mu.Lock()
	l.results = append(l.results, res)
	l.mu.Unlock()
	signal(l.settled)
}

// busy is how many are under way, or about to be.
func (l *lane) busy() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.open) + l.promised
}

// settle writes results in bulk as they come, and keeps up the leases of what is
// still under way.
func (l *lane) settle(ctx context.Context, stop <-chan struct{}) {
	extend := time.NewTicker(l.r.c.Lease / 3)
	defer extend.Stop()
	ctx = context.WithoutCancel(ctx)
	for {
		select {
		case <-stop:
			l.write(ctx)
			return
		case <-extend.C:
			l.extend(ctx)
			l.write(ctx) // what could not be written before
		case <-l.settled:
			l.gather(stop)
			l.write(ctx)
		}
	}
}

// gather waits a moment for more results.
func (l *lane) gather(stop <-chan struct{}) {
	enough := time.After(resultsFor)
	for {
		l.mu.Lock()
		n := len(l.results)
		l.mu.Unlock()
		if n >= resultsMost {
			return
		}
		select {
		case <-stop:
			return
		case <-enough:
			return
		case <-l.settled:
		}
	}
}

func (l *lane) write(ctx context.Context) {
	l.mu.Lock()
	results := l.results
	l.results = nil
	l.mu.Unlock()
	if len(results) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, l.r.c.Lease)
	defer cancel()
	if err := l.r.outbox.FinishDeliveries(ctx, l.r.c.Owner, results); err != nil {
		// Kept for the next round. If it never succeeds the leases end and the
		// rows are delivered again, which every receiver can bear.
		l.r.log.Error("write results of deliveries", "lane", l.name, "error", err)
		l.mu.Lock()
		l.results = append(results, l.results...)
		l.mu.Unlock()
		return
	}
	for _, res := range results {
		if res.Verdict == VerdictRetry {
			time.AfterFunc(max(0, res.RetryAt.Sub(l.r.now())), l.wakeUp)
		}
	}
	if l.starved.Load() {
		l.wakeUp() // there is room again
	}
}

func (l *lane) extend(ctx context.Context) {
	l.mu.Lock()
	ids := make([]aigen.ID, 0, len(l.open))
	for id := range l.open {
		ids = append(ids, id)
	}
	l.mu.Unlock()
	if len(ids) == 0 {
		return
	}
	if err := l.r.outbox.ExtendLeases(ctx, l.r.c.Owner, ids, l.r.now().Add(l.r.c.Lease)); err != nil {
		l.r.log.Error("extend leases", "lane", l.name, "error", err)
	}
}

// drain waits for what is under way: half of the grace for it to finish, then it is
// cancelled and has the other half to say so.
func (l *lane) drain(cancel context.CancelFunc) {
	half := l.r.c.StopGrace / 2
	if l.wait(half) {
		return
	}
	cancel()
	if !l.wait(half) {
		l.r.log.Warn("deliveries under way are left to their leases", "lane", l.name, "count", l.busy())
	}
}

func (l *lane) wait(atMost time.Duration) bool {
	deadline := time.After(atMost)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for l.busy() > 0 {
		select {
		case <-deadline:
			return false
		case <-tick.C:
		}
	}
	return true
}
