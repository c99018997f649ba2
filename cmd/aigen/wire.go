package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/app"
	"github.com/creativeflow/aigen/internal/assets"
	"github.com/creativeflow/aigen/internal/auth"
	"github.com/creativeflow/aigen/internal/batch"
	"github.com/creativeflow/aigen/internal/config"
	"github.com/creativeflow/aigen/internal/console"
	"github.com/creativeflow/aigen/internal/httpapi"
	"github.com/creativeflow/aigen/internal/metrics"
	"github.com/creativeflow/aigen/internal/operations"
	"github.com/creativeflow/aigen/internal/outbox"
	"github.com/creativeflow/aigen/internal/runtimeinfo"
	"github.com/creativeflow/aigen/internal/tracing"
	"github.com/creativeflow/aigen/internal/web"
	"github.com/creativeflow/aigen/internal/worker"
)

// stubWindow is how many jobs the stub may have open: it does no work, so that only
// the store bounds it.
const stubWindow = 256

func policyOf(c config.Config) *aigen.Policy {
	retry := outbox.Backoff{Base: time.Second, Max: 30 * time.Second}
	return &aigen.Policy{
		Pricing: aigen.Pricing{
			Sample:              aigen.Credits(c.Credits.CostSample),
			Final:               aigen.Credits(c.Credits.CostFinal),
			FinalHighResolution: aigen.Credits(c.Credits.CostFinalHiRes),
		},
		SamplesTimeout:   c.Generation.SamplesTimeout,
		FinalTimeout:     c.Generation.FinalTimeout,
		SelectionTimeout: c.Generation.SelectionTimeout,
		// Longer than a call may take: a slow answer is not a lost one.
		ReserveTimeout:   2*c.Credits.OdooTimeout + 5*time.Second,
		MaxStageAttempts: c.Generation.MaxStageAttempts,
		RetryDelay:       retry.Delay,
		ChargeRejected:   c.Generation.ContentRejectedPolicy == "charge",
		Now:              clock(),
		NewID:            newID,
		NewAssetName:     newAssetName(c),
	}
}

func modeOf(c config.Config) app.CreditMode {
	if c.Credits.SyncCheck {
		return app.ReserveBeforeAnswer
	}
	return app.ReserveInBackground
}

// repositoryOf lets changes share transactions, unless that is turned off. SQLite has
// one writer; PostgreSQL keeps two busy: one commits while the other gathers.
func repositoryOf(c config.Config, s store) app.GenerationRepository {
	switch {
	case !c.Database.Batching:
		return s
	case c.DatabaseIsSQLite():
		return batch.New(s, batch.Options{})
	}
	return batch.New(s, batch.Options{Writers: 2})
}

func ledgerOf(c config.Config, s store) app.Ledger {
	if c.UsesLedger() {
		return s
	}
	return nil
}

func relayConfig(c config.Config, log *slog.Logger, m outbox.Metrics) outbox.Config {
	rc := outbox.Config{
		Owner:       newID().String(),                                                        // one of several: what another died with is due when its leases end
		MaxAttempts: c.Generation.OutboxMaxAttempts, StopGrace: c.Server.ShutdownTimeout / 5, // and as much to write what became of it
		StoreUnavailable: func(err error) bool { return errors.Is(err, app.ErrStoreUnavailable) },
		Now:              clock(), Log: log, Metrics: m,
	}
	rc.JobsByTurns = c.UsesWorker()
	if c.DatabaseIsSQLite() {
		// One process owns the file: what it left leased when it died is due.
		rc.Owner, rc.ReleaseOnStart = "embedded", true
	}
	return rc
}

func jobTokens(c config.Config) (*app.JobTokens, error) {
	keys := make([][]byte, len(c.Callback.Secrets))
	for i, s := range c.Callback.Secrets {
		keys[i] = []byte(s.Reveal())
	}
	return app.NewJobTokens(keys...)
}

func newEngineFiles(c config.Config, baseURL func() string) (*worker.Assets, error) {
	return worker.NewAssets(assetFolder(c), baseURL, []byte(c.Callback.Secrets[0].Reveal()))
}

// newWorker is the engine in the process.
func newWorker(c config.Config, files *worker.Assets, r worker.Reporter, log *slog.Logger) (*worker.Engine, error) {
	switch {
	case !c.Worker.Render:
		stub, err := worker.NewStub(files)
		return worker.New(stub, r, stubWindow, log), err
	case c.UsesImageAPI():
		return worker.New(worker.NewImageAPI(imageConfig(c, files, log)), r, c.Worker.Concurrency, log), nil
	default:
		return worker.New(worker.NewProcedural(files), r, c.Worker.Concurrency, log), nil
	}
}

// imageConfig is how IMAGE_API_URL is asked. Doctor builds it the same way, without assets.
func imageConfig(c config.Config, files *worker.Assets, log *slog.Logger) worker.ImageAPIConfig {
	return worker.ImageAPIConfig{
		BaseURL: c.Worker.ImageAPIURL.Reveal(), Key: c.Worker.ImageAPIKey.Reveal(), Model: c.Worker.ImageAPIModel,
		Timeout: c.Worker.ImageAPITimeout, Concurrency: c.Worker.ImageAPIConcurrency,
		Assets: files, Log: log, Detailed: c.Log.Detailed,
	}
}

// tracingEndpoint is "" where no traces are sent.
func tracingEndpoint(c config.Config) string { return strings.TrimSuffix(c.Log.OTLPURL.Reveal(), "/") }

func authConfig(c config.Config, log *slog.Logger) auth.Config {
	return auth.Config{
		Secret: []byte(c.Auth.Secret.Reveal()), PublicKeyPEM: []byte(c.Auth.PublicKey), JWKSURL: c.Auth.JWKSURL.Reveal(),
		Issuer: c.Auth.Issuer, Audience: c.Auth.Audience, UserClaim: c.Auth.UserClaim, RoleClaim: c.Auth.RoleClaim, Operator: c.Auth.Operator,
		Leeway: c.Auth.Leeway, Now: clock(), Logger: log,
	}
}

func newVerifier(ctx context.Context, c config.Config, log *slog.Logger) (*auth.Verifier, error) {
	v, err := auth.NewVerifier(ctx, authConfig(c, log))
	if err != nil {
		return nil, &exitError{exitSettings, err}
	}
	return v, nil
}

// authenticator lets the API use the verifier. What it says of a token is for the
// caller to read, so it names the fault and nothing of ours.
type authenticator struct{ v *auth.Verifier }

var tokenFaults = []struct {
	is   error
	says string
}{
	{auth.ErrExpired, "the token has expired or has no expiry"},
	{auth.ErrNotYetValid, "the token is not valid yet"},
	{auth.ErrAlgorithm, "the token is signed with an algorithm that is not accepted"},
	{auth.ErrSignature, "the token's signature is wrong"},
	{auth.ErrUnknownKey, "the token is signed with a key that is not in the issuer's key set"},
	{auth.ErrIssuer, "the token comes from another issuer"},
	{auth.ErrAudience, "the token is for another audience"},
	{auth.ErrUserClaim, "the token names no user: a UUID is needed"},
	{auth.ErrMalformed, "the token is malformed"},
}

func (a authenticator) Authenticate(ctx context.Context, token string) (web.Identity, error) {
	id, err := a.v.Verify(ctx, token)
	switch {
	case err == nil:
		return id, nil
	case errors.Is(err, auth.ErrKeysUnavailable):
		return web.Identity{}, fmt.Errorf("%w: %w", web.ErrAuthUnavailable, err)
	}
	for _, f := range tokenFaults {
		if errors.Is(err, f.is) {
			return web.Identity{}, errors.New(f.says)
		}
	}
	return web.Identity{}, errors.New("the token is not accepted")
}

// proofOf is nil where tokens are signed elsewhere.
func proofOf(c config.Config) func(challenge, port string) string {
	if c.Auth.Secret == "" {
		return nil
	}
	return func(challenge, port string) string {
		return auth.Proof([]byte(c.Auth.Secret.Reveal()), challenge, port)
	}
}

func newAPI(
	c config.Config, s *app.Service, o *operations.Service, v *auth.Verifier, tokens *app.JobTokens, files *worker.Assets,
	pictures *assets.Service, links *assets.Links,
	m *metrics.Metrics, tracer *tracing.Tracer, limiter app.RateLimiter, ready func(context.Context) []runtimeinfo.Dependency,
	pages *console.Console, log *slog.Logger,
) (*httpapi.API, error) {
	var handler http.Handler // nil: pictures lie elsewhere
	if files != nil {
		handler = files.Handler(http.NotFoundHandler())
	}
	var stored httpapi.Pictures // likewise
	if pictures != nil {
		stored = pictures
	}
	secrets := make([]string, len(c.Callback.Secrets))
	for i, secret := range c.Callback.Secrets {
		secrets[i] = strings.TrimSpace(secret.Reveal())
	}
	return httpapi.New(httpapi.Config{
		Service: s, Operations: o, Authenticator: authenticator{v}, Limiter: limiter, Tokens: tokens,
		CallbackSecrets: secrets, CallbackSecurity: c.Callback.Secured,
		CORSOrigins: c.Server.CORSAllowedOrigins, Assets: handler, Pictures: stored, Links: links, MaxEngineUpload: int64(c.Assets.MaxBytes), Ready: ready,
		Pages: pagesOf(pages), NoPage: noPageOf(pages), Prove: proofOf(c),
		MetricsHandler: m.Handler(), Recorder: m, Tracer: tracer, Log: log, DetailedLogging: c.Log.Detailed,
		Version: programVersion(), Now: clock(),
	})
}
