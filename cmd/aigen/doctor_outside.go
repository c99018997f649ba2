package main

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/creativeflow/aigen/internal/auth"
	"github.com/creativeflow/aigen/internal/config"
	"github.com/creativeflow/aigen/internal/n8nwebhook"
	"github.com/creativeflow/aigen/internal/notification"
	"github.com/creativeflow/aigen/internal/odoo"
	"github.com/creativeflow/aigen/internal/rabbitmq"
	"github.com/creativeflow/aigen/internal/redis"
	"github.com/creativeflow/aigen/internal/tracing"
	"github.com/creativeflow/aigen/internal/worker"
)

// outside is a check for each system outside that the settings name.
func outside(c config.Config) (probes []func(context.Context, config.Config) check) {
	if !c.UsesLedger() {
		probes = append(probes, checkOdoo)
	}
	if c.UsesRabbitMQ() {
		probes = append(probes, checkRabbitMQ)
	}
	if c.UsesWebhook() {
		probes = append(probes, checkWebhook)
	}
	if !c.UsesMemory() {
		probes = append(probes, checkRedis)
	}
	if !c.NotifiesLog() {
		probes = append(probes, checkNotifications)
	}
	if c.UsesImageAPI() {
		probes = append(probes, checkImages)
	}
	if c.Auth.JWKSURL != "" {
		probes = append(probes, checkKeys)
	}
	if c.Log.OTLPURL != "" {
		probes = append(probes, checkTraces)
	}
	return probes
}

// timed makes a check of a call that says what is wrong in words for an operator.
func timed(name, setting, good string, call func() error) check {
	began := time.Now()
	if err := call(); err != nil {
		return check{name, false, explain(setting, err)}
	}
	return check{name, true, fmt.Sprintf("%s in %s", good, time.Since(began).Round(100*time.Microsecond))}
}

func checkOdoo(ctx context.Context, c config.Config) check {
	return timed("credits", "ODOO_SERVICE_URL", "Odoo told a balance", func() error {
		s, err := odoo.New(odooConfig(c, nil, slog.New(slog.DiscardHandler)))
		if err != nil {
			return err
		}
		defer s.Close()
		return s.Check(ctx)
	})
}

func checkRabbitMQ(ctx context.Context, c config.Config) check {
	const name = "engine"
	r, err := rabbitmq.Check(ctx, rabbitConfig(c, slog.New(slog.DiscardHandler)))
	if err != nil {
		return check{name, false, explain("RABBITMQ_URL", err)}
	}
	did := "took a probe and gave it back"
	if r.Unprobed {
		did = "has the queues (no probe: the user may not declare one)"
	}
	result := fmt.Sprintf("RabbitMQ %s in %s; queue %s: %d jobs, %d consumers",
		did, r.Took.Round(100*time.Microsecond), c.Engine.JobQueue, r.Messages, r.Consumers)
	if r.Consumers == 0 {
		result += " (no workflow listens: is n8n running, and the workflow active?)"
	}
	if r.Dead > 0 {
		result += fmt.Sprintf("; %d dead letters in %s.dead", r.Dead, c.Engine.JobQueue)
	}
	return check{name, true, result}
}

func checkWebhook(ctx context.Context, c config.Config) check {
	return timed("engine", "N8N_WEBHOOK_URL", "somebody answers at N8N_WEBHOOK_URL", func() error {
		wc := webhookConfig(c)
		if wc.Secret == "" {
			wc.Secret = "not used by this check" // nothing is signed
		}
		p, err := n8nwebhook.New(wc)
		if err != nil {
			return err
		}
		defer p.Close()
		return p.Check(ctx)
	})
}

func checkRedis(ctx context.Context, c config.Config) check {
	return timed("events", "REDIS_URL", "Redis kept a key, a limit and a message", func() error {
		client, err := redis.New(c.Redis.URL.Reveal(), redis.Options{})
		if err != nil {
			return err
		}
		defer client.Close()
		return client.Check(ctx)
	})
}

func checkNotifications(ctx context.Context, c config.Config) check {
	return timed("notifications", "NOTIFICATION_SERVICE_URL", "the service answers", func() error {
		s, err := notification.NewClient(notificationConfig(c, nil))
		if err != nil {
			return err
		}
		defer s.Close()
		return s.Check(ctx)
	})
}

func checkImages(ctx context.Context, c config.Config) check {
	return timed("pictures", "IMAGE_API_URL", "the image service answers", func() error {
		return worker.NewImageAPI(imageConfig(c, nil, slog.New(slog.DiscardHandler))).Check(ctx)
	})
}

func checkKeys(ctx context.Context, c config.Config) check {
	const name = "tokens"
	began := time.Now()
	n, err := auth.CheckKeys(ctx, authConfig(c, slog.New(slog.DiscardHandler)))
	if err != nil {
		return check{name, false, explain("JWT_JWKS_URL", fmt.Errorf("no keys from JWT_JWKS_URL: %w", err))}
	}
	return check{name, true, fmt.Sprintf("JWT_JWKS_URL gave %d keys that tokens can be checked with in %s", n, time.Since(began).Round(100*time.Microsecond))}
}

func checkTraces(ctx context.Context, c config.Config) check {
	return timed("traces", "OTEL_EXPORTER_OTLP_ENDPOINT", "the collector took an empty batch", func() error {
		return tracing.Check(ctx, tracingEndpoint(c))
	})
}
