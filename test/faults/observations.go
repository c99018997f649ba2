package faults

import "time"

// Observations is all that the judge goes by: what the database, the broker and the credit
// service hold after the dust has settled, and what everybody saw meanwhile.
type Observations struct {
	Records

	Store         Store
	Generations   map[string]*Generation
	Orphans       []string // runs and events without a generation
	EventPosition map[string]int64
	Deliveries    []Delivery
	Keys          map[string]Key // by user + " " + key
	Entries       []Entry        // embedded ledger
	Accounts      map[string]Account

	CreditRuns     map[string]CreditRun // at the credit service, by reference
	CreditAccounts map[string]Account

	Queue       int // messages left in the broker
	DeadLetters []DeadLetter

	Settled string // "" or what was still going on when patience was over
	Residue []Leaks
	Exits   []int // codes of the replicas at their last stop
}

// Generation is a row of generations with what belongs to it.
type Generation struct {
	ID, User, Prompt, Status string
	Samples                  int      // asked for
	SampleIDs                []string // made
	Selected, FinalID        string
	FailureCode              string
	LastEvent, Version       int64
	Due                      bool
	Created, Updated         time.Time
	Runs                     []RunRow
	Events                   []Event
}

// RunRow is a row of runs.
type RunRow struct {
	ID, Stage, Reservation string
	Number                 int
	Amount                 int64 // hundredths
	SampleID, Resolution   string
	SamplesAsked           int // of a regeneration; 0: those of the generation
	Jobs                   []Job
}

// Job is one dispatch of a run.
type Job struct {
	ID      string
	Attempt int
	State   string
}

// Event is a row of events.
type Event struct {
	Seq, Position int64
	User, Type    string
	At            time.Time
	Status, Stage string
	Attempt       int
	Reserved      int64
	Deducted      int64
	Refunded      int64
	SampleIDs     []string
	Selected      string
	FinalID       string
	ErrorCode     string
	OfGeneration  string // as its data says
	Unreadable    string
}

// Delivery is a row of the outbox.
type Delivery struct {
	ID, Kind, State, Generation, Run string
	Attempts                         int
	LastError                        string
}

// Key is a row of idempotency_keys.
type Key struct{ Generation, Run, Answer string }

// Entry is a row of ledger_entries.
type Entry struct {
	User, Kind, Run string
	Amount          int64
}

// Account is a balance and what of it is held, in hundredths.
type Account struct{ Balance, Held int64 }

// CreditRun is what the credit service knows of a reference.
type CreditRun struct {
	State, User, Generation string
	Amount                  int64
}

// DeadLetter is a message among the dead letters.
type DeadLetter struct {
	Job, Generation string
	Reason          string // x-first-death-reason
}

// Leaks is what a replica held when it was idle, at the start and at the end.
type Leaks struct {
	Replica                     int
	Lived                       time.Duration
	Goroutines, GoroutinesAtEnd int
	Files, FilesAtEnd           int
	Sockets                     map[string]int // at the end, by line
	DatabaseConnections         int            // of all replicas, as the database counts
	Stacks                      string         // the file with its goroutines, where it held too much
}
