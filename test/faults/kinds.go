package faults

import (
	"fmt"
	"math/rand/v2"
	"time"
)

// Kind is a kind of fault. docs/faults.md says of each what it does.
type Kind string

// The kinds.
const (
	Cut      Kind = "cut"       // connections closed, nobody listens
	Slow     Kind = "slow"      // every piece of data comes late
	HalfOpen Kind = "half-open" // connections stay, nothing comes through
	Reset    Kind = "reset"     // RST after some bytes of an answer
	Trickle  Kind = "trickle"   // a few bytes at a time

	CreditError     Kind = "credit-500"
	CreditErrorDone Kind = "credit-500-done"   // after the work was done
	CreditHTML      Kind = "credit-html"       // Odoo's page for "no such database"
	CreditTruncated Kind = "credit-truncated"  // half of the JSON, after the work was done
	CreditLate      Kind = "credit-late"       // the work is done, the answer after the client's timeout
	CreditReset     Kind = "credit-reset"      // RST after the work was done
	NoticeError     Kind = "notification-500"  // nothing taken
	NoticeLate      Kind = "notification-late" // taken, the answer comes late

	KillReplica Kind = "kill -9"
	TermReplica Kind = "SIGTERM"

	StopPostgreSQL  Kind = "postgresql-restart"
	KillPostgreSQL  Kind = "postgresql-kill"
	PausePostgreSQL Kind = "postgresql-pause"
	CrashPostgreSQL Kind = "postgresql-crash" // it stands still, so that commits pile up, and is killed with them
	StopRabbitMQ    Kind = "rabbitmq-restart"
	KillRedis       Kind = "redis-kill"
	PauseRedis      Kind = "redis-pause"

	ClockStep Kind = "clock-step"
	DiskFull  Kind = "disk-full"
)

// The lines of a replica: what toxiproxy stands before. LineIn is people's and the
// engine's way to the replica; LineEngine is the engine's way to the broker.
const (
	LineDatabase = "database"
	LineBroker   = "broker"
	LineRedis    = "redis"
	LineCredits  = "credits"
	LineNotify   = "notifications"
	LineIn       = "in"
	LineEngine   = "engine-broker"
	LineWebhook  = "webhook"
)

// Fault is an entry of a schedule.
type Fault struct {
	N       int
	At      time.Duration // after the beginning
	For     time.Duration
	Kind    Kind
	Replica int    // -1: none in particular
	Line    string // network faults
	Amount  int    // bytes, milliseconds or calls
}

func (f Fault) String() string {
	s := fmt.Sprintf("#%d at %.2fs %s", f.N, f.At.Seconds(), f.Kind)
	if f.Replica >= 0 {
		s += fmt.Sprintf(" replica %d", f.Replica)
	}
	if f.Line != "" {
		s += " " + f.Line
	}
	if f.For > 0 {
		s += fmt.Sprintf(" for %dms", f.For.Milliseconds())
	}
	if f.Amount != 0 {
		s += fmt.Sprintf(" (%d)", f.Amount)
	}
	return s
}

// every is how often a kind comes on the average, in seconds; 0: not with this store.
type every struct{ postgres, sqlite float64 }

// plan is the kinds in a fixed order, with how often they come.
var plan = []struct {
	kind Kind
	every
}{
	{Cut, every{1.2, 1.5}}, {Slow, every{1.4, 2}}, {HalfOpen, every{3, 4}}, {Reset, every{1.5, 1.5}}, {Trickle, every{4, 4}},
	{CreditError, every{5, 0}}, {CreditErrorDone, every{7, 0}}, {CreditHTML, every{6, 0}}, {CreditTruncated, every{7, 0}},
	{CreditLate, every{8, 0}}, {CreditReset, every{6, 0}}, {NoticeError, every{5, 4}}, {NoticeLate, every{9, 8}},
	{KillReplica, every{8, 2.5}}, {TermReplica, every{16, 9}},
	{StopPostgreSQL, every{100, 0}}, {KillPostgreSQL, every{120, 0}}, {PausePostgreSQL, every{50, 0}},
	{StopRabbitMQ, every{150, 0}}, {KillRedis, every{25, 0}}, {PauseRedis, every{40, 0}},
	{ClockStep, every{6, 4}}, {DiskFull, every{0, 8}},
	{CrashPostgreSQL, every{90, 0}},
}

// Schedule is the faults of a run, by time. The same store, seconds and seed give the
// same schedule.
func Schedule(store Store, seconds int, seed uint64) []Fault {
	var all []Fault
	for i, p := range plan {
		mean := p.postgres
		if store == SQLite {
			mean = p.sqlite
		}
		if mean == 0 {
			continue
		}
		r := rand.New(rand.NewPCG(seed, uint64(i)))
		// The rare ones come at least once in a run that is long enough to bear them.
		first := min(r.ExpFloat64()*mean, float64(seconds)*(0.15+0.75*r.Float64()))
		for at := first; at < float64(seconds); at += max(0.05, r.ExpFloat64()*mean) {
			f := Fault{At: time.Duration(at * float64(time.Second)), Kind: p.kind, Replica: -1}
			f.draw(r, store, at/float64(seconds))
			all = append(all, f)
		}
	}
	sortFaults(all)
	return all
}

// draw fills in whom the fault meets, for how long and how hard.
func (f *Fault) draw(r *rand.Rand, store Store, share float64) {
	ms := func(least, most int) time.Duration {
		return time.Duration(least+r.IntN(most-least)) * time.Millisecond
	}
	switch f.Kind {
	case Cut, Slow, HalfOpen, Reset, Trickle:
		f.drawLine(r, store)
		f.drawNetwork(r, ms)
	case CreditError, CreditErrorDone, CreditHTML, CreditTruncated, CreditLate, CreditReset, NoticeError, NoticeLate:
		f.Amount = 1 + r.IntN(3)
		if f.Kind != CreditLate && r.IntN(12) == 0 {
			f.Amount = 8 // an outage: breakers open
		}
	case KillReplica, TermReplica:
		f.Replica, f.For = victim(r, store, share), ms(10, 600)
	case StopPostgreSQL, KillPostgreSQL, StopRabbitMQ, KillRedis:
		f.For = ms(10, 1500)
	case PausePostgreSQL, CrashPostgreSQL, PauseRedis:
		f.For = ms(100, 2500)
	case ClockStep:
		f.drawClock(r, store, ms)
	case DiskFull:
		f.For = ms(100, 1500)
	}
}

func (f *Fault) drawNetwork(r *rand.Rand, ms func(least, most int) time.Duration) {
	switch f.Kind {
	case Cut:
		f.For = ms(5, 800)
	case Slow:
		f.For, f.Amount = ms(200, 2000), 20+r.IntN(400)
	case HalfOpen:
		f.For = ms(300, 3000)
		if r.IntN(15) == 0 {
			f.Amount = 1 // for good: until somebody loses patience
		}
	case Reset:
		f.For, f.Amount = ms(50, 600), r.IntN(900)
	case Trickle:
		f.For, f.Amount = ms(300, 2000), 200+r.IntN(4000)
	default:
	}
}

func (f *Fault) drawLine(r *rand.Rand, store Store) {
	f.Replica = r.IntN(3)
	lines := []string{LineDatabase, LineBroker, LineRedis, LineCredits, LineNotify, LineIn}
	if store == SQLite {
		f.Replica, lines = 0, []string{LineNotify, LineIn, LineWebhook}
	} else if r.IntN(20) == 0 {
		f.Replica, f.Line = -1, LineEngine
		return
	}
	f.Line = lines[r.IntN(len(lines))]
}

// victim spares the last replica after the first tenth of the run: who lives through
// everything else shows what leaks.
func victim(r *rand.Rand, store Store, share float64) int {
	if store == SQLite {
		return 0
	}
	if share < 0.1 {
		return r.IntN(3)
	}
	return r.IntN(2)
}

func (f *Fault) drawClock(r *rand.Rand, store Store, ms func(least, most int) time.Duration) {
	f.Replica, f.For = r.IntN(3), ms(500, 5000)
	if store == SQLite {
		f.Replica = 0
	}
	f.Amount = 500 + r.IntN(7500) // ms
	if r.IntN(10) == 0 {
		f.Amount = 30_000
		f.For = ms(200, 600)
	}
	if r.IntN(2) == 0 {
		f.Amount = -f.Amount
	}
}
