package console

import (
	"context"
	"log/slog"
	"time"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/app"
	"github.com/creativeflow/aigen/internal/live"
	"github.com/creativeflow/aigen/internal/web"
)

// Service is what the console needs of app.Service.
type Service interface {
	InitiateGeneration(ctx context.Context, cmd app.InitiateGeneration) (app.Accepted, error)
	ListGenerations(ctx context.Context, q app.ListQuery) (app.Page, error)
	GetGeneration(ctx context.Context, user, id aigen.ID) (*aigen.Generation, error)
	SelectSample(ctx context.Context, cmd app.SelectSample) (app.Accepted, error)
	RegenerateSamples(ctx context.Context, cmd app.RegenerateSamples) (app.Accepted, error)
	CancelGeneration(ctx context.Context, cmd app.CancelGeneration) (g *aigen.Generation, replayed bool, err error)
	GetCredits(ctx context.Context, user aigen.ID) (app.Balance, error)
	ListEvents(ctx context.Context, user, id aigen.ID, after int64) ([]aigen.Event, error)
	StreamUser(ctx context.Context, user aigen.ID, after *int64) (*live.Stream, error)
}

// Config is what a console is made of. Service and Authenticator are required.
type Config struct {
	Service       Service
	Operations    Operations // nil: there are no pages for operators
	Authenticator web.Authenticator
	Limiter       app.RateLimiter // nil: no limit
	Pricing       aigen.Pricing
	// Ledger: the service keeps the credits itself, so `aigen credits grant` adds some.
	Ledger bool

	Local *Local // nil: everybody needs a token
	// PublicBase is the base URL that people reach the service by, as far as it is set
	// ("https://aigen.example.com"): forms are taken from its origin, also where a proxy
	// hides it, and cookies are Secure where it is https.
	PublicBase string
	// Portals are the origins whose pages may hand over a token by a form
	// ("https://portal.example.com"); "*" is not one.
	Portals []string
	// Show fills in the URL of a picture that the service keeps; nil: none is kept.
	Show func(aigen.Asset) aigen.Asset
	// AssetBase is the public base URL of this service's own pictures, which are
	// shown by their path alone: the person may reach the service by another name.
	AssetBase func() string

	Log     *slog.Logger
	Version string

	Now            func() time.Time
	Heartbeat      time.Duration // of event streams; default 15 s
	StreamsPerUser int           // default 32
	WriteTimeout   time.Duration // for one event of a stream; default 30 s
	BalanceTimeout time.Duration // how long a page waits for the balance; default 700 ms
}

func (c *Config) setDefaults() {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.AssetBase == nil {
		c.AssetBase = func() string { return "" }
	}
	orDefault(&c.Heartbeat, 15*time.Second)
	orDefault(&c.StreamsPerUser, 32)
	orDefault(&c.WriteTimeout, 30*time.Second)
	orDefault(&c.BalanceTimeout, 700*time.Millisecond)
}

func orDefault[T ~int | ~int64](v *T, fallback T) {
	if *v <= 0 {
		*v = fallback
	}
}
