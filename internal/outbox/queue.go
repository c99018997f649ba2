package outbox

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/creativeflow/aigen"
)

// queue runs the deliveries of one Queue. Three kinds of goroutines share the work: run
// claims rows, the handler delivers in as many goroutines as it likes, and settle writes
// the results in bulk.
type queue struct {
	r         *Relay
	name      Queue
	handler   Handler
	claimRows func(context.Context, Claim) ([]Delivery, error) // ClaimDeliveries, or by turns
	wake      chan struct{}

	linger time.Duration // see Lingerer

	mu        sync.Mutex
	running   bool
	open      map[aigen.ID]time.Time // in flight, with the time when each began
	reserved  int                    // slots reserved for a claim and for rows being written (immediate.go)
	ready     []Delivery             // written with our lease, in open, not yet handed over
	readyAt   time.Time              // when ready deliveries were last handed over
	backlog   bool                   // older rows may be waiting in the store
	claimedAt time.Time              // when the last claim began
	results   []DeliveryResult       // ended, not yet written
	settled   chan struct{}          // signalled when results grows
	outage    *outage                // nil: the receiver is available as far as we know
	answered  time.Time              // when the receiver last answered
	loggedAt  time.Time              // last log line about an attempt that failed while others got through

	due atomic.Bool // there may be rows to claim

	// starved: the last claim found no free slot. Only then is a claim worth its
	// transaction when slots become free.
	starved atomic.Bool
}

// claimLimit bounds one claim, in rows: a larger transaction gains nothing and makes other
// claims wait.
const claimLimit = 500

// Results are written in batches. Nobody waits for a result; if the process dies before
// the batch is written, its deliveries are repeated.
const (
	resultsLinger = 20 * time.Millisecond
	maxResults    = 500
)

func newQueue(r *Relay, name Queue) *queue {
	return &queue{
		r: r, name: name, claimRows: r.store.ClaimDeliveries, wake: make(chan struct{}, 1),
		open: map[aigen.ID]time.Time{}, settled: make(chan struct{}, 1), backlog: true,
	}
}

// wakeUp makes run look for rows.
func (q *queue) wakeUp() {
	q.due.Store(true)
	signal(q.wake)
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default: // a signal is pending already
	}
}

func (q *queue) run(ctx context.Context) {
	// Deliveries may outlive ctx by StopGrace. Results are written until the end.
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

// stop returns the deliveries that were ready and not yet handed over.
func (q *queue) stop() []Delivery {
	q.mu.Lock()
	defer q.mu.Unlock()
	fresh := q.ready
	q.running, q.ready = false, nil
	return fresh
}

// beginReady hands over deliveries that were written with our lease, if the receiver is
// available.
func (q *queue) beginReady(ctx context.Context, ds []Delivery) {
	if len(ds) == 0 || !q.unavailable() {
		q.begin(ctx, ds)
		return
	}
	for _, d := range ds {
		q.done(ctx, d, ErrReturned)
	}
}

// begin hands over deliveries that are in q.open.
func (q *queue) begin(ctx context.Context, ds []Delivery) {
	if len(ds) > 0 {
		go q.handler.Deliver(ctx, ds, func(i int, err error) { q.done(ctx, ds[i], err) })
	}
}

// claim leases as many rows as there are free slots and hands them over. It reports
// whether more rows may be due.
func (q *queue) claim(ctx context.Context) bool {
	q.starved.Store(true) // before the check, so that a delivery that ends meanwhile wakes us
	room := q.reserveRoom()
	if room == 0 {
		return false // done wakes us when slots become free
	}
	q.starved.Store(false)
	now := q.r.c.Now()
	ds, err := q.claimRows(ctx, Claim{
		Queue: q.name, Owner: q.r.c.Owner, Limit: room, Now: now, Until: now.Add(q.r.c.Lease),
	})
	q.mu.Lock()
	q.reserved -= room
	if err == nil {
		q.backlog = len(ds) == room
	}
	q.setProbe(ds)
	begun := q.r.c.Clock()
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

// reserveRoom reserves slots for a claim and returns how many. While no backlog is known it
// leaves half of the free slots to rows that are being written, since most claims find no
// row then.
func (q *queue) reserveRoom() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	room := q.handler.MaxInFlight() - len(q.open) - q.reserved
	switch {
	case !q.backlog && room > 1:
		room /= 2
	case q.outage == nil && q.backlog && room < q.handler.MaxInFlight()/4 && q.r.c.Clock().Sub(q.claimedAt) < resultsLinger:
		return 0 // claiming a few rows costs as much as claiming many a moment later
	}
	room = max(min(room, claimLimit), 0)
	if q.outage != nil {
		room = q.probeRoom(room)
	}
	q.reserved += room
	q.claimedAt = q.r.c.Clock()
	return room
}

// done records the end of an attempt. A second call for the same attempt is ignored.
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
		q.wakeUp() // half of the slots are free: a claim can take many rows
	}
	waits := q.observe(d, begun, err)
	res := q.r.classify(context.WithoutCancel(ctx), q, d, err, waits)
	q.mu.Lock()
	q.results = append(q.results, res)
	q.mu.Unlock()
	signal(q.settled)
}

// inFlight is how many slots are used or reserved.
func (q *queue) inFlight() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.open) + q.reserved
}

// settle writes results in batches and extends the leases of deliveries in flight.
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
			q.write(ctx) // results that could not be written before
		case <-q.settled:
			q.gatherResults(stop)
			q.write(ctx)
		}
	}
}

// gatherResults waits up to resultsLinger for more results.
func (q *queue) gatherResults(stop <-chan struct{}) {
	enough := time.After(resultsLinger)
	for {
		q.mu.Lock()
		n := len(q.results)
		q.mu.Unlock()
		if n >= maxResults {
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
		// Keep the results for the next round. If no round succeeds, the leases end and the
		// rows are delivered again; receivers tolerate repeats.
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
		q.wakeUp() // slots are free again
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

// drain gives deliveries in flight half of StopGrace to finish. Then it cancels their
// contexts and gives them the other half to report their results.
func (q *queue) drain(cancel context.CancelFunc) {
	half := q.r.c.StopGrace / 2
	if q.waitIdle(half) {
		return
	}
	cancel()
	if !q.waitIdle(half) {
		q.r.c.Log.Warn("deliveries in flight are left until their leases end", "lane", q.name, "count", q.inFlight())
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
