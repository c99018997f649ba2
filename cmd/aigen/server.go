package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/app"
	"github.com/creativeflow/aigen/internal/config"
	"github.com/creativeflow/aigen/internal/console"
	"github.com/creativeflow/aigen/internal/httpapi"
	"github.com/creativeflow/aigen/internal/live"
	"github.com/creativeflow/aigen/internal/metrics"
	"github.com/creativeflow/aigen/internal/outbox"
	"github.com/creativeflow/aigen/internal/tracing"
)

// instance is the running service. It is wired by hand, here and in wire.go, so
// that reading these two files tells what talks to what.
type instance struct {
	c        config.Config
	log      *slog.Logger
	listener net.Listener
	store    store
	api      *httpapi.API
	console  *console.Console // nil: ENABLE_CONSOLE is off
	server   *http.Server
	relay    *outbox.Relay
	closers  []func() error

	dependencies []dependency

	stopLoops context.CancelFunc // the relay and the sweeper
	loops     *errgroup.Group
	failed    chan error // the server or a loop ended by itself
}

func newID() aigen.ID { return aigen.ID(uuid.Must(uuid.NewV7())) }

// startEmbedded starts the service of these settings on a free port of loopback:
// for commands that need one and were told of none.
func startEmbedded(ctx context.Context, log *slog.Logger) (*instance, error) {
	c, err := loadSettings()
	if err != nil {
		return nil, err
	}
	c.Server.ListenAddr = "127.0.0.1:0"
	if err := config.EnsureSecrets(c.Database.DataDir, &c); err != nil {
		return nil, &exitError{exitSettings, err}
	}
	return start(ctx, c, log)
}

// start builds everything and begins to serve. ctx bounds the start alone.
func start(ctx context.Context, c config.Config, log *slog.Logger) (*instance, error) {
	in := &instance{c: c, log: log, failed: make(chan error, 8)} // room for the server and each loop: none waits to be heard
	if err := in.build(ctx); err != nil {
		return nil, errors.Join(err, in.close())
	}
	in.serve()
	return in, nil
}

func (in *instance) build(ctx context.Context) (err error) {
	// The port first: the address to call back to depends on it, and a port that
	// is taken is the most likely fault of all.
	var lc net.ListenConfig
	if in.listener, err = lc.Listen(ctx, "tcp", in.c.Server.ListenAddr); err != nil {
		return fmt.Errorf("listen on LISTEN_ADDR: %w", err)
	}
	in.listener = httpapi.Listener(in.listener)
	in.onClose(in.closeListener)
	if in.store, err = connectStore(ctx, in.c, in.log, openServe); err != nil {
		return err
	}
	in.onClose(in.store.Close)
	return in.assemble(ctx)
}

func (in *instance) onClose(f func() error) { in.closers = append(in.closers, f) }

func (in *instance) closeListener() error {
	if err := in.listener.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
		return err
	}
	return nil
}

// assemble wires the parts.
func (in *instance) assemble(ctx context.Context) error {
	c := in.c
	m := metrics.New(in.store.Stats, in.log)
	m.SetVersion(programVersion())
	tracer, err := tracing.New(ctx, tracing.Config{Endpoint: tracingEndpoint(c), Version: programVersion(), Log: in.log})
	if err != nil {
		return err
	}
	in.onClose(func() error { return shutdownTracer(tracer, in.log) })
	in.dependOnDatabase()
	credits, err := in.connectCredits(tracer)
	if err != nil {
		return err
	}
	replicas, err := in.connectRedis()
	if err != nil {
		return err
	}
	policy := policyOf(c)
	repository := repositoryOf(c, in.store)
	live := live.NewHub(live.Config{Store: repository, Bus: replicas.eventBus(), Streams: m.Streams})
	relay := outbox.NewRelay(in.store, relayConfig(c, in.log, m))
	in.relay = relay
	service, err := app.New(app.Config{
		Policy: policy, Store: repository, Credits: credits, Ledger: ledgerOf(c, in.store), Live: live, Dispatcher: relay,
		Mode: modeOf(c), Metrics: m, Tracer: tracer, Log: in.log, ReserveTimeout: c.Credits.OdooTimeout,
		Assets: in.assetConfig(),
		Limits: app.Limits{Starts: replicas.limiter("start", c.Generation.LimitPerMinute), QueuedPerUser: c.Generation.MaxQueuedPerUser},
	})
	if err != nil {
		return err
	}
	tokens, err := jobTokens(c)
	if err != nil {
		return err
	}
	jobs, assets, err := in.connectEngine(ctx, service)
	if err != nil {
		return err
	}
	pictures, err := in.connectPictures(service, policy, assets)
	if err != nil {
		return err
	}
	notifications, err := in.connectNotifications(tracer)
	if err != nil {
		return err
	}
	verifier, err := newVerifier(ctx, c, in.log)
	if err != nil {
		return err
	}
	in.onClose(func() error { verifier.Close(); return nil })
	in.dependOnKeys(verifier)

	relay.Handle(outbox.QueueJobs, service.JobHandler(relay, jobs,
		in.jobCallbacks(tokens)))
	relay.Handle(outbox.QueueCredits, service.CreditHandler())
	relay.Handle(outbox.QueueNotifications, service.NotificationHandler(notifications))
	if pictures != nil {
		relay.Handle(outbox.QueueAssets, pictures.Handler())
	}
	sweeper := app.NewSweeper(service, time.Second)
	sweeper.KeepEnded(time.Duration(c.Database.RetentionDays) * 24 * time.Hour)
	limiter := replicas.limiter("rate", c.Server.RateLimitPerMinute)
	operations := in.newOperations(service, policy)
	if in.console, err = newConsole(c, service, operations, verifier, limiter, in.publicURL, in.assetLinks().Show, in.log); err != nil {
		return err
	}
	if in.api, err = newAPI(c, service, operations, verifier, tokens, assets, pictures, in.assetLinks(), m, tracer, limiter, in.ready, in.console, in.log); err != nil {
		return err
	}
	in.server = httpapi.NewServer(in.api, in.log)

	loopContext, cancel := context.WithCancel(context.Background())
	in.stopLoops = cancel
	in.loops = new(errgroup.Group)
	if replicas != nil {
		in.loop("redis", func() error { return replicas.client.Run(loopContext) })
		in.loop("events", func() error { return replicas.bus.Run(loopContext, live) })
	}
	in.loop("relay", func() error { return relay.Run(loopContext) })
	if pictures != nil {
		in.loop("pictures", func() error { return pictures.Run(loopContext) })
	}
	in.loop("sweeper", func() error { return sweeper.Run(loopContext) })
	in.loop("operations", func() error { return operations.Run(loopContext) })
	return nil
}

func (in *instance) loop(name string, f func() error) {
	in.loops.Go(func() error {
		if err := f(); err != nil {
			err = fmt.Errorf("%s: %w", name, err)
			in.failed <- err
			return err
		}
		return nil
	})
}

func (in *instance) serve() {
	go func() {
		if err := in.server.Serve(in.listener); !errors.Is(err, http.ErrServerClosed) {
			in.failed <- fmt.Errorf("serve HTTP: %w", err)
		}
	}()
}

// URL is the base URL that clients on this machine reach the service by.
func (in *instance) URL() string { return config.LocalURL(in.address()) }

// callbackURL is the base URL that the workflow engine reaches the service by.
func (in *instance) callbackURL() string { return in.c.CallbackBaseURL(in.address()) }

// publicURL is the base URL that people reach the service by: for pictures.
func (in *instance) publicURL() string { return in.c.PublicBaseURL(in.address()) }

// address is LISTEN_ADDR with the port that is really listened on. The listener's own
// address says [::] for all interfaces, also where there is no IPv6.
func (in *instance) address() string {
	host, _, err := net.SplitHostPort(in.c.Server.ListenAddr)
	_, port, err2 := net.SplitHostPort(in.listener.Addr().String())
	if err != nil || err2 != nil {
		return in.listener.Addr().String()
	}
	return net.JoinHostPort(host, port)
}

// Failed tells when the service cannot go on.
func (in *instance) Failed() <-chan error { return in.failed }

// Stop drains: live streams are told and end, requests under way finish, then the
// relay finishes its batch. What is left when ctx ends stays in the outbox.
func (in *instance) Stop(ctx context.Context) error {
	in.api.Shutdown()
	if in.console != nil {
		in.console.Shutdown()
	}
	// Three fifths of the time for requests; the relay has the rest.
	requests, cancel := ctx, context.CancelFunc(func() {})
	if end, ok := ctx.Deadline(); ok {
		requests, cancel = context.WithTimeout(ctx, time.Until(end)*3/5)
	}
	defer cancel()
	err := in.server.Shutdown(requests)
	if err != nil {
		err = errors.Join(fmt.Errorf("requests under way were cut off: %w", err), in.server.Close())
	}
	in.stopLoops()
	return errors.Join(err, before(ctx, func() error { return errors.Join(in.loops.Wait(), in.close()) }))
}

// before waits for f, but not longer than ctx. A database or broker that says nothing
// would else hold up the stop for as long as its own limits allow; whoever stops us
// kills us by then. Nothing is lost: what f leaves is as after a crash.
func before(ctx context.Context, f func() error) error {
	done := make(chan error, 1)
	go func() { done <- f() }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return errors.New("cut off at SHUTDOWN_TIMEOUT: what was under way is taken up again, here or by another replica")
	}
}

func (in *instance) close() error {
	if in.stopLoops != nil {
		in.stopLoops()
	}
	var err error
	for i := len(in.closers) - 1; i >= 0; i-- {
		err = errors.Join(err, in.closers[i]())
	}
	in.closers = nil
	return err
}

// shutdownTracer sends the last spans. A collector that is away must neither hold up
// the stop nor make it a failure.
func shutdownTracer(t *tracing.Tracer, log *slog.Logger) error {
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
	defer cancel()
	if err := t.Shutdown(ctx); err != nil {
		log.Warn("the last traces were not sent", "error", err)
	}
	return nil
}

// assetFolder is where the embedded engine keeps pictures.
func assetFolder(c config.Config) string { return filepath.Join(c.Database.DataDir, "assets") }
