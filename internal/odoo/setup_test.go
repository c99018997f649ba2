package odoo_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/app"
	"github.com/creativeflow/aigen/internal/odoo"
	"github.com/creativeflow/aigen/internal/outbox"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const testKey = "the-key-of-the-addon"

func newID() aigen.ID { return aigen.ID(uuid.Must(uuid.NewV7())) }

func operation() app.CreditOperation {
	return app.CreditOperation{UserID: newID(), GenerationID: newID(), Reference: newID(), Amount: 25}
}

// connect is a Service that calls a server answering by h, with its body read.
func connect(t testing.TB, c odoo.Config, h http.Handler) *odoo.Service {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body) // only then does a server notice that its client has left
		if err != nil {
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		h.ServeHTTP(w, r)
	}))
	t.Cleanup(func() { server.CloseClientConnections(); server.Close() })
	c.BaseURL, c.Key = server.URL+"/", testKey
	return build(t, c)
}

func build(t testing.TB, c odoo.Config) *odoo.Service {
	t.Helper()
	s, err := odoo.New(c)
	require.NoError(t, err)
	t.Cleanup(s.Close)
	return s
}

// says is a server that gives every call the same answer.
func says(status int, contentType, body string, header ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		for i := 0; i+1 < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

// sent is a call as it arrived.
type sent struct {
	path string
	ops  []sentOperation
}

type sentOperation struct {
	Op           string `json:"op"`
	UserID       string `json:"user_id"`
	GenerationID string `json:"generation_id"`
	Amount       string `json:"amount"`
	Reference    string `json:"reference"`
}

// remote is an Odoo as the contract has it: accounts that are idempotent by
// reference. What goes wrong is set by its fields.
type remote struct {
	t testing.TB

	mu      sync.Mutex
	credit  map[string]aigen.Credits // by user; what is not there has 100.00
	first   map[string]sentOperation // reservations by reference
	refused map[string]bool
	settled map[string]string // reference: deduct or refund
	calls   []sent

	down      http.Handler // answers in its place
	noBatch   bool
	gate      chan struct{}                                                        // if set, each call takes one before it is worked on
	afterwork func(w http.ResponseWriter, r *http.Request)                         // runs when the effect is done, before the answer
	results   func(ops []sentOperation, results []map[string]any) []map[string]any // spoils the results of a batch
}

func newRemote(t testing.TB) *remote {
	return &remote{
		t: t, credit: map[string]aigen.Credits{}, first: map[string]sentOperation{},
		refused: map[string]bool{}, settled: map[string]string{},
	}
}

func (o *remote) set(f func(*remote)) {
	o.mu.Lock()
	defer o.mu.Unlock()
	f(o)
}

func (o *remote) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var body struct {
		sentOperation
		Operations []sentOperation `json:"operations"`
	}
	if r.Method == http.MethodPost {
		assert.NoError(o.t, json.NewDecoder(r.Body).Decode(&body))
		assert.Equal(o.t, "application/json", r.Header.Get("Content-Type"))
	}
	assert.Equal(o.t, "Bearer "+testKey, r.Header.Get("Authorization"))
	ops := body.Operations
	if ops == nil {
		ops = []sentOperation{body.sentOperation}
	}
	o.mu.Lock()
	o.calls = append(o.calls, sent{r.URL.Path, ops})
	down, gate, after := o.down, o.gate, o.afterwork
	o.mu.Unlock()
	if gate != nil {
		select {
		case <-gate:
		case <-r.Context().Done():
			return
		}
	}
	if down != nil {
		down.ServeHTTP(w, r)
		return
	}
	status, answer := o.work(r, ops)
	if after != nil {
		after(w, r)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	assert.NoError(o.t, json.NewEncoder(w).Encode(answer))
}

func (o *remote) work(r *http.Request, ops []sentOperation) (int, map[string]any) {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch r.URL.Path {
	case "/api/v1/credits/check_and_reserve":
		return http.StatusOK, o.one("reserve", ops[0])
	case "/api/v1/credits/deduct":
		return http.StatusOK, o.one("deduct", ops[0])
	case "/api/v1/credits/refund":
		return http.StatusOK, o.one("refund", ops[0])
	case "/api/v1/credits/balance":
		available := o.available(r.URL.Query().Get("user_id"))
		return http.StatusOK, map[string]any{"balance": available, "reserved": "0.00", "available": available}
	case "/api/v1/credits/batch":
		if o.noBatch {
			return http.StatusNotFound, map[string]any{"error": map[string]any{"code": "not_found"}}
		}
		results := make([]map[string]any, len(ops))
		for i, op := range ops {
			results[i] = o.one(op.Op, op)
			results[i]["reference"] = op.Reference
		}
		if o.results != nil {
			results = o.results(ops, results)
		}
		return http.StatusOK, map[string]any{"results": results}
	}
	return http.StatusNotFound, map[string]any{"error": map[string]any{"code": "not_found"}}
}

func (o *remote) available(user string) aigen.Credits {
	if c, ok := o.credit[user]; ok {
		return c
	}
	return 100_00
}

// one does one operation and returns its answer.
func (o *remote) one(name string, op sentOperation) map[string]any {
	amount, err := aigen.ParseCredits(op.Amount)
	assert.NoError(o.t, err)
	fault := func(code string) map[string]any {
		return map[string]any{"ok": false, "error": map[string]any{"code": code, "message": "No."}}
	}
	op.Op = ""
	before, known := o.first[op.Reference]
	switch {
	case known && before != op:
		return fault("reference_conflict")
	case name == "reserve":
		if !known && !o.refused[op.Reference] {
			if amount > o.available(op.UserID) {
				o.refused[op.Reference] = true
			} else {
				o.credit[op.UserID] = o.available(op.UserID) - amount
				o.first[op.Reference] = op
			}
		}
		return map[string]any{"ok": true, "can_afford": !o.refused[op.Reference], "available": o.available(op.UserID)}
	case !known:
		return fault("not_reserved")
	}
	switch o.settled[op.Reference] {
	case name:
	case "":
		o.settled[op.Reference] = name
		if name == "refund" {
			o.credit[op.UserID] = o.available(op.UserID) + amount
		}
	default:
		return fault("already_settled")
	}
	return map[string]any{"ok": true}
}

// seen is the calls so far.
func (o *remote) seen() []sent {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Clone(o.calls)
}

// sizes is how many operations each call had so far, in order.
func (o *remote) sizes() (n []int) {
	for _, c := range o.seen() {
		n = append(n, len(c.ops))
	}
	return n
}

func until(t testing.TB, what string, ok func() bool) {
	t.Helper()
	require.Eventually(t, ok, time.Minute, time.Millisecond, what)
}

// class names what an error is, as the relay and the use-cases tell them apart.
func class(err error) string {
	var permanent *outbox.PermanentError
	switch {
	case err == nil:
		return "done"
	case errors.As(err, &permanent):
		return "permanent"
	case errors.Is(err, aigen.ErrInsufficientCredits):
		return "refused"
	case errors.Is(err, aigen.ErrCreditsUnavailable):
		return "unavailable"
	}
	return "unknown: " + err.Error()
}

// calls runs f in n goroutines and collects the errors by their number.
func calls(n int, f func(i int) error) func() []error {
	errs := make([]error, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { errs[i] = f(i) })
	}
	return func() []error {
		wg.Wait()
		return errs
	}
}

// transport is a network without one: for tests within a bubble of synctest.
type transport func(*http.Request) (*http.Response, error)

func (f transport) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func answer(status int, body string, header ...string) *http.Response {
	rec := httptest.NewRecorder()
	says(status, "application/json", body, header...)(rec, nil)
	return rec.Result()
}

// inMemory is a Service on a transport.
func inMemory(t testing.TB, c odoo.Config, f transport) *odoo.Service {
	c.BaseURL = "http://odoo.example"
	c.Wrap = func(http.RoundTripper) http.RoundTripper { return f }
	return build(t, c)
}

// lines collects a log.
type lines struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func (l *lines) logger() *slog.Logger { return slog.New(slog.NewTextHandler(l, nil)) }

var background = context.Background()

// transport is the remote without a network.
func (o *remote) transport() transport {
	return func(r *http.Request) (*http.Response, error) {
		rec := httptest.NewRecorder()
		o.ServeHTTP(rec, r)
		return rec.Result(), r.Context().Err()
	}
}
