package httpapi_test

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/app"
	"github.com/creativeflow/aigen/internal/auth"
	"github.com/creativeflow/aigen/internal/httpapi"
	"github.com/creativeflow/aigen/internal/metrics"
	"github.com/creativeflow/aigen/internal/tracing"
	"github.com/creativeflow/aigen/internal/web"
)

// The bodies are those of bench/: what a request costs depends on them.
const (
	benchCreate = `{"projectId":"0b6a8f5e-9a1d-4c55-8a2e-5d0f3f6c7e21","inputPrompt":"a red fox in the snow, low sun, ` +
		`long shadows, breath in the cold air","styleGuidance":"watercolour, muted colours",` +
		`"inputParameters":{"format":"InstagramPost","resolution":"1080x1080","samples":4,"seed":42}}`
	benchSecret = "a secret of the benchmark, for tokens"
)

// BenchmarkRequest is what a request costs besides net/http and the store: from its
// header and body to Apply, and back to the bytes of the answer.
func BenchmarkRequest(b *testing.B) {
	x := newBench(b)
	for _, c := range []struct {
		name   string
		asked  []asked
		status int
	}{
		{"Create", []asked{{base, benchCreate, x.header()}}, http.StatusAccepted},
		{"CreateWithKey", []asked{{base, benchCreate, x.header("Idempotency-Key", "0198c0de-0000-7000-8000-000000000000")}}, http.StatusAccepted},
		{"Select", x.each(x.choice), http.StatusAccepted},
		{"Callback", x.each(x.callback), http.StatusOK},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			n := 0
			for b.Loop() {
				x.serve(b, c.asked[n%len(c.asked)], c.status)
				n++
			}
		})
	}
}

// asked is a request.
type asked struct {
	path, body string
	header     http.Header
}

// each makes a request to each of so many generations that the service does not
// remember one when its turn comes again: it has to find it as it was.
func (x *bench) each(ask func(generation aigen.ID) asked) (list []asked) {
	for range 5000 {
		list = append(list, ask(newID()))
	}
	return list
}

func (x *bench) choice(generation aigen.ID) asked {
	x.store.rows[generation] = x.awaiting
	return asked{base + "/" + generation.String() + "/select-sample", `{"sampleId":"sample-2"}`, x.header()}
}

// bench is the API as the program has it, with a store that keeps nothing.
type bench struct {
	b      *testing.B
	api    *httpapi.API
	tokens *app.JobTokens
	token  string
	user   aigen.ID
	policy *aigen.Policy
	store  forgetful

	working, awaiting *aigen.Generation // one at work on its samples, one that waits for a choice
	job               aigen.ID
}

func newBench(b *testing.B) *bench {
	b.Helper()
	x := &bench{b: b, user: newID(), policy: &aigen.Policy{
		Pricing:        aigen.Pricing{Sample: 25, Final: 100, FinalHighResolution: 200},
		SamplesTimeout: 5 * time.Minute, FinalTimeout: 10 * time.Minute, SelectionTimeout: 720 * time.Hour,
		ReserveTimeout: 30 * time.Second, MaxStageAttempts: 3, Now: time.Now, NewID: newID,
	}}
	x.makeGenerations()
	x.store.rows = map[aigen.ID]*aigen.Generation{}
	m := metrics.New(func(context.Context) (app.Stats, error) { return app.Stats{}, nil }, nil)
	tracer, err := tracing.New(b.Context(), tracing.Config{})
	require.NoError(b, err)
	svc, err := app.New(app.Config{Policy: x.policy, Store: x.store, Ledger: x.store, Metrics: m, Tracer: tracer})
	require.NoError(b, err)
	x.tokens, err = app.NewJobTokens([]byte(secret))
	require.NoError(b, err)
	v, err := auth.NewVerifier(b.Context(), auth.Config{Secret: []byte(benchSecret)})
	require.NoError(b, err)
	b.Cleanup(v.Close)
	x.token, err = auth.Mint([]byte(benchSecret), auth.Claims{
		UserID: x.user, IssuedAt: time.Now(), ExpiresAt: time.Now().Add(time.Hour), Roles: []string{"designer"},
	})
	require.NoError(b, err)
	x.api, err = httpapi.New(httpapi.Config{
		Service: svc, Authenticator: verified{v}, Tokens: x.tokens, CallbackSecrets: []string{secret}, CallbackSecurity: true,
		Recorder: m, Tracer: tracer, Log: slog.New(slog.NewJSONHandler(io.Discard, &slog.HandlerOptions{Level: slog.LevelError})),
	})
	require.NoError(b, err)
	return x
}

func (x *bench) makeGenerations() {
	x.b.Helper()
	in, err := aigen.NewInput("a red fox in the snow", "watercolour", []byte(`{"format":"InstagramPost","samples":4}`))
	require.NoError(x.b, err)
	for _, to := range []**aigen.Generation{&x.working, &x.awaiting} {
		g := aigen.New(x.policy, x.user, newID(), in, aigen.Options{})
		_, err := g.ConfirmReservation(x.policy, g.Runs[0].ID)
		require.NoError(x.b, err)
		*to = g
	}
	x.job = x.working.Runs[0].Jobs[0].ID
	_, err = x.awaiting.Report(x.policy, aigen.Report{Kind: aigen.ReportSamples, Samples: []aigen.Asset{
		{AssetID: "sample-1", URL: "/assets/1.png"}, {AssetID: "sample-2", URL: "/assets/2.png"},
	}})
	require.NoError(x.b, err)
	x.working.Drain()
	x.awaiting.Drain()
}

func (x *bench) callback(generation aigen.ID) asked {
	x.store.rows[generation] = x.working
	body := `{"generationId":"` + generation.String() + `","jobId":"` + x.job.String() + `","status":"success",` +
		`"stage":"samples_generated","results":{"sampleAssets":[`
	for i, n := range []string{"1", "2", "3", "4"} {
		if i > 0 {
			body += ","
		}
		body += `{"assetId":"sample-` + n + `","url":"https://assets.example.com/` + generation.String() + `/` + n +
			`.png","width":512,"height":512,"format":"png"}`
	}
	body += `],"finalAssetId":null,"finalAsset":null,"aiModelUsed":"sdxl-1.0","metadata":{}},"error":null}`
	return asked{callbacks, body, x.header("Authorization", "Bearer "+x.tokens.Make(generation, x.job))}
}

func (x *bench) header(more ...string) http.Header {
	h := http.Header{"Content-Type": {jsonType}, "Authorization": {"Bearer " + x.token}}
	for i := 0; i < len(more); i += 2 {
		h.Set(more[i], more[i+1])
	}
	return h
}

func (x *bench) serve(b *testing.B, a asked, want int) {
	b.Helper()
	r, err := http.NewRequestWithContext(context.Background(), http.MethodPost, a.path, strings.NewReader(a.body))
	if err != nil {
		b.Fatal(err)
	}
	r.Header = a.header
	w := sink{header: http.Header{}}
	x.api.ServeHTTP(&w, r)
	if w.status != want {
		b.Fatal(w.status, w.last)
	}
}

// sink is a connection that takes everything.
type sink struct {
	header http.Header
	status int
	last   string // of an answer that says what is wrong
}

func (s *sink) Header() http.Header              { return s.header }
func (s *sink) WriteHeader(status int)           { s.status = status }
func (s *sink) SetReadDeadline(time.Time) error  { return nil }
func (s *sink) SetWriteDeadline(time.Time) error { return nil }

func (s *sink) Write(b []byte) (int, error) {
	if s.status >= http.StatusBadRequest {
		s.last = string(b)
	}
	return len(b), nil
}

// verified is the authenticator of the program.
type verified struct{ v *auth.Verifier }

func (a verified) Authenticate(ctx context.Context, token string) (web.Identity, error) {
	return a.v.Verify(ctx, token)
}

// forgetful is a store that takes every change and keeps none.
type forgetful struct {
	app.GenerationRepository
	app.Ledger

	rows map[aigen.ID]*aigen.Generation
}

func (s forgetful) Get(_ context.Context, id aigen.ID) (*aigen.Generation, error) {
	g := s.rows[id].Clone()
	g.ID = id
	return g, nil
}

func (s forgetful) IdempotencyRecord(context.Context, aigen.ID, string, time.Time) (app.IdempotencyRecord, error) {
	return app.IdempotencyRecord{}, app.ErrNoRecord
}

func (s forgetful) Apply(_ context.Context, changes []*app.Change) []error {
	return make([]error, len(changes))
}
