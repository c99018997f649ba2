package main

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"net/http"

	aigen "github.com/creativeflow/aigen-orchestrator"
	"github.com/creativeflow/aigen-orchestrator/internal/app"
	"github.com/creativeflow/aigen-orchestrator/internal/auth"
	"github.com/creativeflow/aigen-orchestrator/internal/config"
	"github.com/creativeflow/aigen-orchestrator/internal/console"
	"github.com/creativeflow/aigen-orchestrator/internal/httpapi"
)

// newConsole is nil where ENABLE_CONSOLE is off.
func newConsole(
	c config.Config, s *app.Service, o *app.Operations, v *auth.Verifier, limiter app.RateLimiter, publicURL func() string, log *slog.Logger,
) (*console.Console, error) {
	if !c.Server.Console {
		return nil, nil //nolint:nilnil // there is none
	}
	local, err := localOf(c)
	if err != nil {
		return nil, err
	}
	return console.New(console.Config{
		Service: s, Operations: o, Authenticator: consoleAuthenticator{authenticator{v}}, Limiter: limiter, Pricing: policyOf(c).Pricing,
		Ledger: c.UsesLedger(),
		Local:  local, Portals: c.Server.CORSAllowedOrigins, AssetBase: publicURL,
		Observe: func(ctx context.Context, o console.Observation) {
			httpapi.Note(ctx, o.User, o.Generation, o.Code, o.Err)
		},
		Log: log, Version: programVersion(),
	})
}

// localOf lets the person at this machine in without a token: where the service has
// made its own secret, it listens on loopback alone. They are the user that `aigen
// generate` works for.
func localOf(c config.Config) (*console.Local, error) {
	if !c.MadeTokenSecret() || !c.ListensOnLoopback() {
		return nil, nil //nolint:nilnil // there is none
	}
	user, err := aigen.ParseID(localUser)
	project, err2 := aigen.ParseID(localProject)
	if err := errors.Join(err, err2); err != nil {
		return nil, fmt.Errorf("the local user: %w", err)
	}
	secret := hmac.New(sha256.New, []byte(c.Auth.Secret.Reveal()))
	secret.Write([]byte("console, local user"))
	return &console.Local{UserID: user, ProjectID: project, Secret: secret.Sum(nil)}, nil
}

// consoleAuthenticator says what authenticator says, in the console's words.
type consoleAuthenticator struct{ a authenticator }

func (c consoleAuthenticator) Authenticate(ctx context.Context, token string) (console.Identity, error) {
	id, err := c.a.Authenticate(ctx, token)
	if errors.Is(err, httpapi.ErrAuthUnavailable) {
		return console.Identity{}, fmt.Errorf("%w: %w", console.ErrAuthUnavailable, err)
	}
	return console.Identity(id), err
}

func pagesOf(web *console.Console) []httpapi.Page {
	if web == nil {
		return nil
	}
	var all []httpapi.Page
	for _, p := range web.Pages() {
		all = append(all, httpapi.Page(p))
	}
	return all
}

func noPageOf(web *console.Console) http.Handler {
	if web == nil {
		return nil
	}
	return web.NotFound()
}
