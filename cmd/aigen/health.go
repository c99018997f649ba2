package main

import (
	"context"
	"errors"
	"sync"

	"github.com/creativeflow/aigen/internal/auth"
	"github.com/creativeflow/aigen/internal/runtimeinfo"
)

// dependency is one line of /readyz. look must be cheap: probes come every few
// seconds, and nobody proves themselves to ask.
type dependency struct {
	name, mode string
	look       func(ctx context.Context) (runtimeinfo.State, string)
}

// alwaysHealthy is for what cannot be looked at without doing something, or is part of
// this process. What it does not do shows in the outbox.
func alwaysHealthy(context.Context) (runtimeinfo.State, string) { return runtimeinfo.StateOK, "" }

// depend adds a line to /readyz.
func (in *instance) depend(name, mode string, look func(context.Context) (runtimeinfo.State, string)) {
	in.dependencies = append(in.dependencies, dependency{name, mode, look})
}

// dependOnDatabase: without it nothing works, so it alone makes the service not ready.
func (in *instance) dependOnDatabase() {
	mode := "postgresql"
	if in.c.DatabaseIsSQLite() {
		mode = "sqlite"
	}
	in.depend("database", mode, func(ctx context.Context) (runtimeinfo.State, string) {
		if err := in.store.Ping(ctx); err != nil {
			if errors.Is(ctx.Err(), context.Canceled) {
				return runtimeinfo.StateDown, "" // nobody waits for it any more
			}
			in.log.ErrorContext(ctx, "the database does not answer", "error", err)
			return runtimeinfo.StateDown, "does not answer"
		}
		return runtimeinfo.StateOK, ""
	})
	if in.c.UsesLedger() {
		in.depend("credits", "embedded", alwaysHealthy)
	}
}

// dependOnKeys: without the keys of JWT_JWKS_URL no user gets in, but the engine's
// callbacks, the outbox and the pictures do not need them. So the service stays in the
// balancer, which would else turn finished pictures away.
func (in *instance) dependOnKeys(v *auth.Verifier) {
	if _, remote := v.Keys(); !remote {
		return
	}
	in.depend("tokens", "jwks", func(context.Context) (runtimeinfo.State, string) {
		keys, _ := v.Keys()
		switch {
		case keys.Fetched.IsZero() && keys.Err == nil:
			return runtimeinfo.StateDegraded, "the keys to check tokens with are being fetched for the first time"
		case keys.Fetched.IsZero():
			return runtimeinfo.StateDegraded, "the keys to check tokens with cannot be fetched; calls with a token get 503"
		case keys.Err != nil:
			return runtimeinfo.StateDegraded, "the keys to check tokens with cannot be renewed; those at hand are used"
		}
		return runtimeinfo.StateOK, ""
	})
}

// ready says of each dependency whether it works. All are looked at the same time.
func (in *instance) ready(ctx context.Context) []runtimeinfo.Dependency {
	out := make([]runtimeinfo.Dependency, len(in.dependencies))
	var wg sync.WaitGroup
	for i, d := range in.dependencies {
		wg.Go(func() {
			state, detail := d.look(ctx)
			out[i] = runtimeinfo.Dependency{Name: d.name, State: state, Mode: d.mode, Detail: detail}
		})
	}
	wg.Wait()
	return out
}
