package main

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/creativeflow/aigen/internal/app"
	"github.com/creativeflow/aigen/internal/config"
	"github.com/creativeflow/aigen/internal/live"
	"github.com/creativeflow/aigen/internal/n8nwebhook"
	"github.com/creativeflow/aigen/internal/notification"
	"github.com/creativeflow/aigen/internal/odoo"
	"github.com/creativeflow/aigen/internal/outbox"
	"github.com/creativeflow/aigen/internal/rabbitmq"
	"github.com/creativeflow/aigen/internal/ratelimit"
	"github.com/creativeflow/aigen/internal/redis"
	"github.com/creativeflow/aigen/internal/runtimeinfo"
	"github.com/creativeflow/aigen/internal/tracing"
	"github.com/creativeflow/aigen/internal/web"
	"github.com/creativeflow/aigen/internal/worker"
)

// The systems outside, each built from its settings. Doctor builds them the same way.

func odooConfig(c config.Config, t *tracing.Tracer, log *slog.Logger) odoo.Config {
	oc := odoo.Config{
		BaseURL: c.Credits.OdooURL.Reveal(), Key: c.Credits.OdooKey.Reveal(), Database: c.Credits.OdooDatabase,
		Timeout: c.Credits.OdooTimeout, Log: log, Annotate: nameRequest,
	}
	if t != nil {
		oc.Wrap = t.Around("odoo")
	}
	return oc
}

// nameRequest passes on the id of the request that a call is made for.
func nameRequest(ctx context.Context, h http.Header) {
	if id := web.RequestID(ctx); id != "" {
		h.Set("X-Request-Id", id)
	}
}

// webhookConfig has no tracer: a job brings the trace that it belongs to.
func webhookConfig(c config.Config) n8nwebhook.Config {
	wc := n8nwebhook.Config{URL: c.Engine.WebhookURL.Reveal(), Timeout: c.Engine.WebhookTimeout, Now: clock()}
	if len(c.Callback.Secrets) > 0 {
		wc.Secret = c.Callback.Secrets[0].Reveal()
	}
	return wc
}

func notificationConfig(c config.Config, t *tracing.Tracer) notification.Config {
	nc := notification.Config{BaseURL: c.Notifications.URL.Reveal(), Key: c.Notifications.Key.Reveal()}
	if t != nil {
		nc.Wrap = t.Around("notifications")
	}
	return nc
}

func rabbitConfig(c config.Config, log *slog.Logger) rabbitmq.Config {
	return rabbitmq.Config{
		URL: c.Engine.RabbitMQURL.Reveal(), Queue: c.Engine.JobQueue, Exchange: c.Engine.JobExchange,
		Version: programVersion(), Log: log,
	}
}

// connectCredits is nil where the ledger keeps the accounts.
func (in *instance) connectCredits(t *tracing.Tracer) (app.CreditService, error) {
	if in.c.UsesLedger() {
		return nil, nil //nolint:nilnil // there is none
	}
	s, err := odoo.New(odooConfig(in.c, t, in.log))
	if err != nil {
		return nil, &exitError{exitSettings, err}
	}
	in.onClose(func() error { s.Close(); return nil })
	in.depend("credits", "odoo", func(context.Context) (runtimeinfo.State, string) {
		if st := s.State(); st.Breaker != "closed" {
			return runtimeinfo.StateDegraded, "is not asked for now, after failures"
		}
		return runtimeinfo.StateOK, ""
	})
	return s, nil
}

// connectEngine is what does the jobs. assets is nil where that is not this process.
func (in *instance) connectEngine(ctx context.Context, r worker.Reporter) (app.JobPublisher, *worker.Assets, error) {
	switch {
	case in.c.UsesRabbitMQ():
		p, err := rabbitmq.Open(ctx, rabbitConfig(in.c, in.log))
		if err != nil {
			return nil, nil, err
		}
		in.onClose(p.Close)
		in.depend("engine", "rabbitmq", func(ctx context.Context) (runtimeinfo.State, string) {
			if err := p.State(); err != nil {
				in.log.DebugContext(ctx, "readyz: rabbitmq", "error", err)
				if errors.Is(err, rabbitmq.ErrBlocked) { // in the broker's words, which hold no secret
					return runtimeinfo.StateDegraded, err.Error() + "; jobs wait in the outbox"
				}
				return runtimeinfo.StateDegraded, "cannot be reached; jobs wait in the outbox"
			}
			return runtimeinfo.StateOK, ""
		})
		return p, nil, nil
	case in.c.UsesWebhook():
		p, err := n8nwebhook.New(webhookConfig(in.c))
		if err != nil {
			return nil, nil, &exitError{exitSettings, err}
		}
		in.onClose(p.Close)
		in.depend("engine", "n8n webhook", func(context.Context) (runtimeinfo.State, string) {
			if since, _ := in.relay.Outage(outbox.QueueJobs); !since.IsZero() {
				return runtimeinfo.StateDegraded, "takes no jobs; they wait in the outbox"
			}
			return runtimeinfo.StateOK, ""
		})
		return p, nil, nil
	}
	assets, err := newEngineFiles(in.c, in.publicURL)
	if err != nil {
		return nil, nil, err
	}
	in.onClose(assets.Close)
	engine, err := newWorker(in.c, assets, r, in.log)
	if err != nil {
		return nil, nil, err
	}
	in.depend("engine", "embedded", in.lookAtPictures(assets))
	return engine, assets, nil
}

// lookAtPictures says whether the embedded engine can keep what it makes. The log has
// the cause once, when it begins and when it is over.
func (in *instance) lookAtPictures(assets *worker.Assets) func(context.Context) (runtimeinfo.State, string) {
	var failing atomic.Bool
	return func(ctx context.Context) (runtimeinfo.State, string) {
		err := assets.Check()
		if was := failing.Swap(err != nil); was && err == nil {
			in.log.InfoContext(ctx, "pictures can be kept again")
		} else if !was && err != nil {
			in.log.ErrorContext(ctx, "no picture can be kept", "error", err)
		}
		if err != nil {
			return runtimeinfo.StateDegraded, "cannot keep pictures: their folder is missing, full or read-only"
		}
		return runtimeinfo.StateOK, ""
	}
}

func (in *instance) connectNotifications(t *tracing.Tracer) (app.NotificationService, error) {
	if in.c.NotifiesLog() {
		in.depend("notifications", "embedded", alwaysHealthy)
		return notification.NewLog(in.log), nil
	}
	s, err := notification.NewClient(notificationConfig(in.c, t))
	if err != nil {
		return nil, &exitError{exitSettings, err}
	}
	in.onClose(func() error { s.Close(); return nil })
	in.depend("notifications", "service", func(context.Context) (runtimeinfo.State, string) {
		if !s.State().Failing.IsZero() {
			return runtimeinfo.StateDegraded, "fails; notifications wait in the outbox"
		}
		return runtimeinfo.StateOK, ""
	})
	return s, nil
}

// shared is what the replicas have in common: nil where there is one alone.
type shared struct {
	client *redis.Client
	bus    *redis.Bus
}

func (in *instance) connectRedis() (*shared, error) {
	if in.c.UsesMemory() {
		in.depend("events", "embedded", alwaysHealthy)
		return nil, nil //nolint:nilnil // there is none
	}
	client, err := redis.New(in.c.Redis.URL.Reveal(), redis.Options{Log: in.log})
	if err != nil {
		return nil, &exitError{exitSettings, err}
	}
	in.onClose(client.Close)
	in.depend("events", "redis", func(context.Context) (runtimeinfo.State, string) {
		if why := client.Degraded(); why != "" {
			return runtimeinfo.StateDegraded, why
		}
		return runtimeinfo.StateOK, ""
	})
	return &shared{client: client, bus: redis.NewBus(client, newID())}, nil
}

// eventBus avoids an interface that holds a nil.
func (s *shared) eventBus() live.Bus {
	if s == nil {
		return nil
	}
	return s.bus
}

// limiter bounds what each user does a minute, by replicas that share Redis together. It
// is nil for 0, where nothing is limited.
func (s *shared) limiter(name string, perMinute int) app.RateLimiter {
	if perMinute == 0 {
		return nil
	}
	rate := app.Rate{Requests: perMinute, Per: time.Minute}
	own := ratelimit.New(rate, time.Now)
	if s == nil {
		return own
	}
	return redis.NewLimiter(s.client, name, rate, own)
}
