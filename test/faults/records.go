package faults

import (
	"fmt"
	"sync"
	"time"
)

// Records is what everybody outside of the service saw: people, the engine, the credit
// service, the notification service and whoever injected the faults.
type Records struct {
	mu sync.Mutex

	Calls         []Call
	Streams       []*StreamSeen
	Jobs          []JobSeen
	Reports       []Report
	Credits       []CreditCall
	Notifications []Notice
	Faults        []Injected
	Deaths        []Death
	Odd           []Odd
}

// Call is one request of a person, and what came of it.
type Call struct {
	At         time.Time
	Took       time.Duration
	User       string
	Verb       string // create, get, select-sample, regenerate-samples, cancel
	Key        string // Idempotency-Key
	Prompt     string // create, regenerate
	Amount     string // what it should cost, by the judge's own prices
	Generation string // of the path, or of the answer
	Replica    int
	HTTP       int // 0: no answer
	Code       string
	Status     string // of the generation, as answered
	Reserved   string
	Replayed   bool
	Err        string
}

// StreamSeen is one person's view of a log over any number of connections.
type StreamSeen struct {
	User       string
	Generation string // "": all of the user's
	IDs        []int64
	Types      []string
	Of         []string // generation of each
	Connected  int
	Ended      bool // after a terminal event
}

// JobSeen is one arrival of a job at the engine.
type JobSeen struct {
	At                    time.Time
	Job, Run, Generation  string
	User, Prompt, JobType string
	Attempt               int
	Redelivered           bool
	Script                string // what the engine is going to do
	Wrong                 string // what of it is against the contract
}

// Report is one callback of the engine.
type Report struct {
	At              time.Time
	Job, Generation string
	Run             string
	What            string // success, failure, retryable, rejected, progress, garbage …
	Honest          bool   // it says what happened to the job that it names
	Replica         int
	HTTP            int
	Outcome         string // or the code of the error
	Err             string
}

// CreditCall is one operation that the credit service was asked for.
type CreditCall struct {
	At                    time.Time
	Op, Reference         string
	User, Generation      string
	Amount                string
	Did                   string // reserved, refused, deducted, refunded, repeat, conflict: …, nothing
	Answered              string // ok, or the fault
	Before, After         string // of the reference
	Batch                 bool
	heldBefore, heldAfter int64
}

// Notice is one call of the notification service.
type Notice struct {
	At               time.Time
	Key              string
	User, Generation string
	Type, Status     string
	Body             string
	Taken            bool // answered with 200
}

// Injected is a fault that was carried out.
type Injected struct {
	Fault
	Began, Ended time.Time
	Err          string // it could not be carried out
}

// Death is a replica that ended without having been told to.
type Death struct {
	At      time.Time
	Replica int
	Ready   bool // it had been ready; else it could not start, which a supervisor repeats
	Code    int
	Said    string
}

// Odd is something that must not happen and was noticed on the spot.
type Odd struct {
	At         time.Time
	Rule       string
	Generation string
	Text       string
}

func add[T any](r *Records, to *[]T, v T) {
	r.mu.Lock()
	*to = append(*to, v)
	r.mu.Unlock()
}

func (r *Records) odd(rule, generation, format string, args ...any) {
	add(r, &r.Odd, Odd{At: time.Now(), Rule: rule, Generation: generation, Text: fmt.Sprintf(format, args...)})
}
