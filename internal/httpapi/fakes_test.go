package httpapi_test

import (
	"context"
	"sync"
	"time"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/app"
	"github.com/creativeflow/aigen/internal/httpapi"
)

// failing is a service whose answers a test decides.
type failing struct {
	httpapi.Service
	err      error
	panics   any
	accepted app.Accepted
}

func (s *failing) InitiateGeneration(context.Context, app.InitiateGeneration) (app.Accepted, error) {
	return s.accepted, s.err
}

func (s *failing) GetCredits(context.Context, aigen.ID) (app.Balance, error) {
	if s.panics != nil {
		panic(s.panics)
	}
	return app.Balance{}, s.err
}

// requests records what the metrics are told.
type requests struct {
	mu   sync.Mutex
	seen []recorded
}

type recorded struct {
	route, method string
	status        int
}

func (r *requests) Request(route, method string, status int, _ time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.seen = append(r.seen, recorded{route, method, status})
}

func (r *requests) all() []recorded {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]recorded(nil), r.seen...)
}

// slowCreate takes its time.
type slowCreate struct {
	httpapi.Service
	hold time.Duration
}

func (s *slowCreate) InitiateGeneration(ctx context.Context, cmd app.InitiateGeneration) (app.Accepted, error) {
	select {
	case <-ctx.Done():
		return app.Accepted{}, ctx.Err()
	case <-time.After(s.hold):
		return s.Service.InitiateGeneration(ctx, cmd)
	}
}
