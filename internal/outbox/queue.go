package outbox

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
type queue struct {
	r         *Relay
	name      Queue
	handler   Handler
	claimRows func(context.Context, Claim) ([]Delivery, error) // ClaimDeliveries, or by turns
	wake      chan struct{}

	linger time.Duration // see Lingerer

	mu         sync.Mutex
	running    bool
	open       map[aigen.ID]time.Time // under way, since when
	reserved   int                    // places kept for a claim, and for what is being written (express.go)
	ready      []Delivery             // written leased, open, not begun
	readyBegan time.Time              // when the last of such began
	behind     bool                   // older ones may be waiting
	claimed    time.Time              // when the last claim was made
	results    []DeliveryResult       // ended, not written yet
	settled    chan struct{}          // told when results got longer
	outage     *outage                // nil: the receiver answers, for all that is known
	answered   time.Time              // when it last did
	loggedAt   time.Time              // when the log last had a delivery that found it away all the same

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

func newQueue(r *Relay, name Queue) *queue {
	return &queue{
		r: r, name: name, claimRows: r.store.ClaimDeliveries, wake: make(chan struct{}, 1),
		open: map[aigen.ID]time.Time{}, settled: make(chan struct{}, 1), behind: true,
	}
}

// wakeUp lets the lane look for deliveries.
func (q *queue) wakeUp() {
	q.due.Store(true)
	signal(q.wake)
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default: // there is a signal waiting already
	}
}

func (q *queue) run(ctx context.Context) {
	// Deliveries may outlive ctx by the grace; results are written to the end.
	work, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	var wg sync.WaitGroup
	stopSettling := make(chan struct{})
	wg.Go(func() { q.settle(work, stopSettling) })

	poll := time.NewTicker(q.r.c.Poll)
	defer poll.Stop()
	q.start()
	q.due.Store(true)
	for ctx.Err() == nil {
		fresh, later := q.takeReady()
		q.beginReady(work, fresh)
		if q.due.Swap(false) && q.claim(work) {
			q.due.Store(true)
			continue
		}
		select {
		case <-ctx.Done():
		case <-q.wake:
		case <-later:
		case <-poll.C:
			q.due.Store(true)
		}
	}
	for _, d := range q.stop() {
		q.done(work, d, ErrReturned)
	}
	q.drain(cancel)
	close(stopSettling)
	wg.Wait()
}

func (q *queue) start() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.running = true
}

// stopTaking returns what was taken and not begun.
func (q *queue) stop() []Delivery {
	q.mu.Lock()
	defer q.mu.Unlock()
	fresh := q.ready
	q.running, q.ready = false, nil
	return fresh
}

// beginFresh hands over what was written leased, if the receiver is there.
func (q *queue) beginReady(ctx context.Context, ds []Delivery) {
	if len(ds) == 0 || !q.unavailable() {
		q.begin(ctx, ds)
		return
	}
	for _, d := range ds {
		q.done(ctx, d, ErrReturned)
	}
}

// begin hands over deliveries that are open.
func (q *queue) begin(ctx context.Context, ds []Delivery) {
	if len(ds) > 0 {
		go q.handler.Deliver(ctx, ds, func(i int, err error) { q.done(ctx, ds[i], err) })
	}
}

// claim takes what there is room for and hands it over. It reports whether there
// may be more.
func (q *queue) claim(ctx context.Context) bool {
	q.starved.Store(true) // before the look: what ends from here on must wake us if there is none
	room := q.reserveRoom()
	if room == 0 {
		return false // we are woken when there is room again
	}
	q.starved.Store(false)
	now := q.r.c.Now()
	ds, err := q.claimRows(ctx, Claim{
		Queue: q.name, Owner: q.r.c.Owner, Limit: room, Now: now, Until: now.Add(q.r.c.Lease),
	})
	q.mu.Lock()
	q.reserved -= room
	if err == nil {
		q.behind = len(ds) == room
	}
	q.probing(ds)
	begun := time.Now()
	for _, d := range ds {
		q.open[d.ID] = begun
	}
	q.mu.Unlock()
	if err != nil {
		q.r.c.Log.Error("claim deliveries", "lane", q.name, "error", err)
		return false
	}
	q.begin(ctx, ds)
	return len(ds) == room
}

// reserve keeps places for a claim. While nothing is known to wait it leaves half of
// them to what is being written: most claims find nothing.
func (q *queue) reserveRoom() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	room := q.handler.MaxInFlight() - len(q.open) - q.reserved
	switch {
	case !q.behind && room > 1:
		room /= 2
	case q.outage == nil && q.behind && room < q.handler.MaxInFlight()/4 && time.Since(q.claimed) < resultsFor:
		return 0 // a few now would cost as much as many a moment later
	}
	room = max(min(room, claimLimit), 0)
	if q.outage != nil {
		room = q.probeRoom(room)
	}
	q.reserved += room
	q.claimed = time.Now()
	return room
}

// done takes the end of an attempt. A second call for the same one is ignored.
func (q *queue) done(ctx context.Context, d Delivery, err error) {
	q.mu.Lock()
	begun, mine := q.open[d.ID]
	delete(q.open, d.ID)
	half := len(q.open)+q.reserved <= q.handler.MaxInFlight()/2
	q.mu.Unlock()
	if !mine {
		return
	}
	if half && q.starved.Load() {
		q.wakeUp() // there is room for many
	}
	waits := q.observe(d, begun, err)
	res := q.r.classify(context.WithoutCancel(ctx), q, d, err, waits)
	q.mu.Lock()
	q.results = append(q.results, res)
	q.mu.Unlock()
	signal(q.settled)
}

// busy is how many are under way, or about to be.
func (q *queue) inFlight() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.open) + q.reserved
}

// settle writes results in bulk as they come, and keeps up the leases of what is
// still under way.
func (q *queue) settle(ctx context.Context, stop <-chan struct{}) {
	extend := time.NewTicker(q.r.c.Lease / 3)
	defer extend.Stop()
	ctx = context.WithoutCancel(ctx)
	for {
		select {
		case <-stop:
			q.write(ctx)
			return
		case <-extend.C:
			q.extend(ctx)
			q.write(ctx) // what could not be written before
		case <-q.settled:
			q.gatherResults(stop)
			q.write(ctx)
		}
	}
}

// gather waits a moment for more results.
func (q *queue) gatherResults(stop <-chan struct{}) {
	enough := time.After(resultsFor)
	for {
		q.mu.Lock()
		n := len(q.results)
		q.mu.Unlock()
		if n >= resultsMost {
			return
		}
		select {
		case <-stop:
			return
		case <-enough:
			return
		case <-q.settled:
		}
	}
}

func (q *queue) write(ctx context.Context) {
	q.mu.Lock()
	results := q.results
	q.results = nil
	q.mu.Unlock()
	if len(results) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, q.r.c.Lease)
	defer cancel()
	if err := q.r.store.FinishDeliveries(ctx, q.r.c.Owner, results); err != nil {
		// Kept for the next round. If it never succeeds the leases end and the
		// rows are delivered again, which every receiver can bear.
		q.r.c.Log.Error("write results of deliveries", "lane", q.name, "error", err)
		q.mu.Lock()
		q.results = append(results, q.results...)
		q.mu.Unlock()
		return
	}
	for _, res := range results {
		if res.Disposition == DispositionRetry {
			time.AfterFunc(max(0, res.RetryAt.Sub(q.r.c.Now())), q.wakeUp)
		}
	}
	if q.starved.Load() {
		q.wakeUp() // there is room again
	}
}

func (q *queue) extend(ctx context.Context) {
	q.mu.Lock()
	ids := make([]aigen.ID, 0, len(q.open))
	for id := range q.open {
		ids = append(ids, id)
	}
	q.mu.Unlock()
	if len(ids) == 0 {
		return
	}
	if err := q.r.store.ExtendLeases(ctx, q.r.c.Owner, ids, q.r.c.Now().Add(q.r.c.Lease)); err != nil {
		q.r.c.Log.Error("extend leases", "lane", q.name, "error", err)
	}
}

// drain waits for what is under way: half of the grace for it to finish, then it is
// cancelled and has the other half to say so.
func (q *queue) drain(cancel context.CancelFunc) {
	half := q.r.c.StopGrace / 2
	if q.waitIdle(half) {
		return
	}
	cancel()
	if !q.waitIdle(half) {
		q.r.c.Log.Warn("deliveries under way are left to their leases", "lane", q.name, "count", q.inFlight())
	}
}

func (q *queue) waitIdle(atMost time.Duration) bool {
	deadline := time.After(atMost)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for q.inFlight() > 0 {
		select {
		case <-deadline:
			return false
		case <-tick.C:
		}
	}
	return true
}
