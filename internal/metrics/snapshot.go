package metrics

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/creativeflow/aigen/internal/app"
)

const (
	// freshFor is how long an answer of the store, or its failure, serves all who
	// scrape: however many there are, the store counts its rows once in that time.
	freshFor = 2 * time.Second
	// statsTimeout bounds the wait. Prometheus gives a scrape 10 s by default.
	statsTimeout = 3 * time.Second
)

var errStatsLate = errors.New("the store did not count in time")

// snapshot remembers the last Stats for a short while. At most one question to the
// store is open at a time, also if the store hangs and does not heed its context.
type snapshot struct {
	ask func(context.Context) (app.Stats, error)
	log *slog.Logger
	now func() time.Time

	mu     sync.Mutex
	asking chan struct{} // closed when the question that is open has its answer; nil: none is open
	stats  app.Stats
	err    error
	at     time.Time
	failed bool // the last complaint has not been taken back
}

func newSnapshot(ask func(context.Context) (app.Stats, error), log *slog.Logger) *snapshot {
	return &snapshot{ask: ask, log: log, now: time.Now}
}

// get returns the Stats of now or of a moment ago.
func (s *snapshot) get() (app.Stats, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.asking == nil {
		if !s.at.IsZero() && s.now().Sub(s.at) < freshFor {
			return s.stats, s.err
		}
		s.asking = make(chan struct{})
		go s.read(s.asking)
	}
	answered := s.asking
	s.mu.Unlock()
	late := time.NewTimer(statsTimeout)
	defer late.Stop()
	select {
	case <-answered:
		s.mu.Lock()
		return s.stats, s.err
	case <-late.C:
		s.mu.Lock()
		s.complain(errStatsLate)
		return app.Stats{}, errStatsLate
	}
}

func (s *snapshot) read(answered chan struct{}) {
	ctx, cancel := context.WithTimeoutCause(context.Background(), statsTimeout, errStatsLate)
	defer cancel()
	stats, err := s.ask(ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stats, s.err, s.at, s.asking = stats, err, s.now(), nil
	s.complain(err)
	close(answered)
}

// complain writes one line when the store's numbers go and one when they are back,
// not one a scrape. The caller holds mu.
func (s *snapshot) complain(err error) {
	switch {
	case err != nil && !s.failed:
		s.log.Error("metrics go without the numbers of the store", "error", err)
	case err == nil && s.failed:
		s.log.Info("metrics have the numbers of the store again")
	}
	s.failed = err != nil
}
