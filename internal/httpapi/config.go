package httpapi

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/app"
	"github.com/creativeflow/aigen/internal/assets"
	"github.com/creativeflow/aigen/internal/httpapi/admin"
	"github.com/creativeflow/aigen/internal/live"
	"github.com/creativeflow/aigen/internal/runtimeinfo"
	"github.com/creativeflow/aigen/internal/web"
	"github.com/creativeflow/aigen/internal/webhooksig"
)

// Service is what the API needs of app.Service.
type Service interface {
	InitiateGeneration(ctx context.Context, cmd app.InitiateGeneration) (app.Accepted, error)
	ListGenerations(ctx context.Context, q app.ListQuery) (app.Page, error)
	GetGeneration(ctx context.Context, user, id aigen.ID) (*aigen.Generation, error)
	SelectSample(ctx context.Context, cmd app.SelectSample) (app.Accepted, error)
	RegenerateSamples(ctx context.Context, cmd app.RegenerateSamples) (app.Accepted, error)
	CancelGeneration(ctx context.Context, cmd app.CancelGeneration) (g *aigen.Generation, replayed bool, err error)
	GetCredits(ctx context.Context, user aigen.ID) (app.Balance, error)
	EachEvent(ctx context.Context, user, id aigen.ID, after int64) iter.Seq2[aigen.Event, error]
	StreamGeneration(ctx context.Context, user, id aigen.ID, after int64) (*live.Stream, error)
	StreamUser(ctx context.Context, user aigen.ID, after *int64) (*live.Stream, error)
	ProcessN8NResult(ctx context.Context, cmd app.ProcessResult) (app.Processed, error)
	RetryGeneration(ctx context.Context, cmd app.RetryGeneration) (app.Accepted, error)
}

// Pictures is what the API needs of assets.Service.
type Pictures interface {
	UploadByUser(ctx context.Context, user aigen.ID, data []byte) (aigen.StoredAsset, error)
	UploadByEngine(ctx context.Context, generation, job aigen.ID, data []byte) (a aigen.StoredAsset, again bool, err error)
	Uploads(ctx context.Context, q assets.UploadQuery) (page []aigen.StoredAsset, more bool, err error)
	Own(ctx context.Context, user aigen.ID, id string) (aigen.StoredAsset, error)
	RemoveUpload(ctx context.Context, user aigen.ID, id string) error
	Open(ctx context.Context, name aigen.AssetName, size assets.Size, webp bool, disposition string) (assets.Picture, error)
	Facts(ctx context.Context, names []aigen.AssetName) (map[aigen.AssetName]aigen.StoredAsset, error)
}

// Recorder is told of each request. It must not block.
type Recorder interface {
	// Request: route is the pattern of the path, "unmatched" where there is none;
	// method is "OTHER" for one that HTTP does not define. took is the whole life
	// of a stream.
	Request(route, method string, status int, took time.Duration)
}

// Tracer follows requests. end takes the status of the answer, 0 if there was none.
type Tracer interface {
	Request(ctx context.Context, h http.Header, method, route string) (child context.Context, end func(status int))
}

// Config is what an API is made of. Service and Authenticator are required; with
// CallbackSecurity also Tokens or CallbackSecrets.
type Config struct {
	Service       Service
	Authenticator web.Authenticator
	Limiter       app.RateLimiter  // nil: no limit
	Operations    admin.Operations // nil: there is no admin API

	Tokens           *app.JobTokens
	CallbackSecrets  []string // any of them is a proof; they also sign (Standard Webhooks)
	CallbackSecurity bool     // false: callbacks need no proof, and none is looked at

	CORSOrigins []string                                           // "https://app.example.com"; "*" for all; empty: no CORS
	Assets      http.Handler                                       // the files of the embedded engine
	Pictures    Pictures                                           // nil: no picture is stored
	Links       *assets.Links                                      // required with Pictures
	Pages       []web.Page                                         // the console; see Page
	NoPage      http.Handler                                       // what a browser sees where there is no page; nil: a problem
	Ready       func(ctx context.Context) []runtimeinfo.Dependency // nil: always ready
	// Prove answers a challenge of a command on this machine, before that sends a token
	// here: port is the one that it has connected to. nil: there is no secret to prove.
	Prove          func(challenge, port string) string
	MetricsHandler http.Handler
	Recorder       Recorder
	Tracer         Tracer // nil: requests are not traced

	Log             *slog.Logger
	DetailedLogging bool   // bodies go to the log; headers never do
	Version         string // shown by /healthz

	Now             func() time.Time
	Heartbeat       time.Duration // of event streams; default 15 s
	StreamsPerUser  int           // default 32
	MaxBody         int64         // of users' requests; default 64 KiB
	MaxCallback     int64         // of callbacks; default 1 MiB
	MaxEngineUpload int64         // of a picture that an engine hands over; default 64 MiB
	ReadTimeout     time.Duration // for a body; default 15 s
	WriteTimeout    time.Duration // for an answer, or one event of a stream; default 30 s
}

func (c *Config) setDefaults() {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Recorder == nil {
		c.Recorder = nobody{}
	}
	orDefault(&c.Heartbeat, 15*time.Second)
	orDefault(&c.StreamsPerUser, 32)
	orDefault(&c.MaxBody, 64<<10)
	orDefault(&c.MaxCallback, 1<<20)
	orDefault(&c.MaxEngineUpload, 64<<20)
	orDefault(&c.ReadTimeout, 15*time.Second)
	orDefault(&c.WriteTimeout, 30*time.Second)
}

func orDefault[T ~int | ~int64](v *T, fallback T) {
	if *v <= 0 {
		*v = fallback
	}
}

type nobody struct{}

func (nobody) Request(string, string, int, time.Duration) {}

func (c *Config) check() error {
	switch {
	case c.Service == nil || c.Authenticator == nil:
		return errors.New("httpapi: a service and an authenticator are required")
	case c.CallbackSecurity && c.Tokens == nil && len(c.CallbackSecrets) == 0:
		return errors.New("httpapi: callbacks cannot prove themselves without job tokens or a secret")
	}
	for _, origin := range c.CORSOrigins {
		u, err := url.Parse(origin)
		if origin != "*" && (err != nil || u.Scheme == "" || u.Host == "" || strings.TrimSuffix(origin, u.Host) != u.Scheme+"://") {
			return fmt.Errorf("httpapi: %q is not an origin: want a scheme and a host, such as https://app.example.com, or *", origin)
		}
	}
	return nil
}

func (c *Config) secrets() ([]webhooksig.Secret, error) {
	var secrets []webhooksig.Secret
	for _, text := range c.CallbackSecrets {
		s, err := webhooksig.ParseSecret(text)
		if err != nil {
			return nil, fmt.Errorf("httpapi: callback secret: %w", err)
		}
		secrets = append(secrets, s)
	}
	return secrets, nil
}
