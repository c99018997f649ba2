package operations

import (
	"context"
	"log/slog"
	"time"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/app"
	"github.com/creativeflow/aigen/internal/runtimeinfo"
)

// Service holds the use-cases of those who run the service. They see the work of
// all users and may end it; whoever calls them has checked that an operator asks.
// Build it with NewOperations; its methods may be called from many goroutines.
type Service struct {
	service  *app.Service
	policy   *aigen.Policy
	store    Store
	relay    app.Dispatcher
	log      *slog.Logger
	runtime  runtimeinfo.Info
	activity activityCache
	history  outboxHistory
}

// Config is what Operations are made of. Service, Policy and Store are required.
type Config struct {
	Service    *app.Service
	Policy     *aigen.Policy
	Store      Store
	Dispatcher app.Dispatcher // the relay of this process; nil: another process delivers
	Log        *slog.Logger   // nil: no log
	Runtime    runtimeinfo.Info
}

// New builds the operators' use-cases of a service.
func New(c Config) *Service {
	o := &Service{service: c.Service, policy: c.Policy, store: c.Store, relay: c.Dispatcher, log: c.Log, runtime: c.Runtime}
	if o.relay == nil {
		o.relay = app.NopDispatcher{}
	}
	if o.log == nil {
		o.log = slog.New(slog.DiscardHandler)
	}
	o.activity.windows = map[string]*windowCache{}
	return o
}

func (o *Service) now() time.Time { return o.policy.Now().UTC().Truncate(time.Microsecond) }

// audit writes the line of an operator's step. The same stands in the list of actions:
// the line is for those who watch the log.
func (o *Service) audit(ctx context.Context, action app.OperatorActionKind, by aigen.OperatorNote, attrs ...slog.Attr) {
	attrs = append([]slog.Attr{
		slog.String("action", string(action)), slog.String("operator_id", by.ID.String()), slog.String("reason", by.Reason),
	}, attrs...)
	o.log.LogAttrs(ctx, slog.LevelWarn, "operator", attrs...)
}

// Run takes the samples that the charts of the outbox are drawn from, until ctx ends.
func (o *Service) Run(ctx context.Context) error {
	tick := time.NewTicker(outboxSampleEvery)
	defer tick.Stop()
	for {
		o.sampleOutbox(ctx)
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}
