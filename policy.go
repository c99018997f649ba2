package aigen

import "time"

// Policy holds what the verbs need besides the generation: the rules that the
// operator set, the clock and the source of new IDs. One value serves the whole
// program; its functions are called from many goroutines.
type Policy struct {
	Pricing          Pricing
	SamplesTimeout   time.Duration                   // deadline of the samples stage, over all its attempts
	FinalTimeout     time.Duration                   // deadline of the final stage, likewise
	SelectionTimeout time.Duration                   // how long a person may take to choose
	ReserveTimeout   time.Duration                   // when a reservation without an answer is asked for again
	MaxStageAttempts int                             // jobs for one run, the first included
	RetryDelay       func(attempt int) time.Duration // before job number attempt+1 is dispatched
	ChargeRejected   bool                            // rejected content: deduct instead of refund

	Now   func() time.Time
	NewID func() ID

	// NewAssetName names a picture that an engine reports, of which the service keeps a
	// copy. nil: no copy is kept, and the engine's URL is passed on.
	NewAssetName func() AssetName
}

// now is cut to microseconds: what PostgreSQL keeps. A time that changes when it
// is stored would make the state in memory and the state read back differ.
func (p *Policy) now() time.Time { return p.Now().UTC().Truncate(time.Microsecond) }

func (p *Policy) timeout(s Stage) time.Duration {
	if s == StageFinal {
		return p.FinalTimeout
	}
	return p.SamplesTimeout
}
