package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen/internal/testenv"
	"github.com/creativeflow/aigen/internal/testprogram"
)

// outage is how long a server is away. Minutes are for make test-outages.
func outage(t *testing.T) time.Duration {
	if s := os.Getenv("AIGEN_OUTAGE"); s != "" {
		d, err := time.ParseDuration(s)
		require.NoError(t, err, "AIGEN_OUTAGE")
		return d
	}
	return 4 * time.Second
}

// The broker stops under load and comes back: requests go on, jobs wait in the
// outbox, none is lost and none stuck.
func TestBrokerAway(t *testing.T) {
	t.Parallel()
	broker := testenv.Start(t, testenv.RabbitMQKind())
	s := servers{testenv.PostgreSQL(t), broker.URL(), "jobs", testenv.Redis(t)}
	n, away := notificationService(t), outage(t)
	c := startCluster(t, 2, production(s, n))
	e := startAMQPEngine(t, s)
	people, done := crowd(t, 6), make(chan struct{})
	go func() {
		workFor(t, people, c.url, away+10*time.Second)
		close(done)
	}()
	time.Sleep(3 * time.Second) // the work is in full swing
	require.NoError(t, broker.Stop())
	u := testprogram.NewUser(t)
	a, err := u.Create(c.url, "", "asked while the broker was away")
	require.NoError(t, err)
	require.Equal(t, http.StatusAccepted, a.HTTP, "%s", a.Raw)
	testprogram.Eventually(t, "the loss is noticed", func() bool {
		return strings.Contains(readyz(t, c.url), `"name":"engine","state":"degraded","mode":"rabbitmq"`)
	})
	time.Sleep(away)
	require.NoError(t, broker.Start())
	<-done
	people = append(people, &person{User: u, accepted: map[string]string{"": a.GenerationID}})
	generations := c.ended(people)
	delete(people[len(people)-1].accepted, "")
	db := testprogram.AuditPostgres(t, s.database)
	testprogram.Eventually(t, "an empty outbox", func() bool { return testprogram.Count(t, db, "SELECT count(*) FROM deliveries") == 0 })
	require.Zero(t, testprogram.Count(t, db, "SELECT count(*) FROM generations WHERE status = 'Failed'"), "an outage fails nothing")
	c.stop()
	jobs, repeats := e.counts()
	t.Logf("broker away for %s: %d generations, %d jobs, %d seen again", away, generations, jobs, repeats)
}

// The database restarts under load, once in good order and once killed: who asks
// meanwhile is told to come back, and all that was promised is kept.
func TestDatabaseRestarted(t *testing.T) {
	t.Parallel()
	database := testenv.Start(t, testenv.PostgreSQLKind())
	broker := testenv.RabbitMQ(t)
	s := servers{database.URL(), broker, testenv.Queue(t, broker), testenv.Redis(t)}
	n := notificationService(t)
	c := startCluster(t, 2, production(s, n))
	e := startAMQPEngine(t, s)
	people, done := crowd(t, 6), make(chan struct{})
	go func() {
		workFor(t, people, c.url, 15*time.Second)
		close(done)
	}()
	for _, end := range []func() error{database.Stop, database.Kill} {
		time.Sleep(3 * time.Second)
		require.NoError(t, end())
		a, err := testprogram.NewUser(t).Create(c.url, "", "asked while the database was away")
		require.NoError(t, err)
		require.Equal(t, http.StatusServiceUnavailable, a.HTTP, "%s", a.Raw)
		require.Equal(t, "database_unavailable", a.Code)
		require.Contains(t, readyz(t, c.url), `"name":"database","state":"down"`)
		require.NoError(t, database.Start())
	}
	<-done
	generations := c.settle(people, s, n)
	jobs, repeats := e.counts()
	t.Logf("database restarted twice: %d generations, %d jobs, %d seen again", generations, jobs, repeats)
}

func readyz(t *testing.T, url string) string {
	t.Helper()
	res, err := http.Get(url + "/readyz")
	require.NoError(t, err)
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	return string(raw)
}

// Redis goes: requests go on, streams read the store, limits are each replica's own,
// and the service says that it is degraded, not down.
func TestRedisGone(t *testing.T) {
	t.Parallel()
	redis := testenv.Start(t, testenv.RedisKind())
	broker := testenv.RabbitMQ(t)
	s := servers{testenv.PostgreSQL(t), broker, testenv.Queue(t, broker), redis.URL()}
	n := notificationService(t)
	settings := production(s, n)
	settings["RATE_LIMIT_PER_MINUTE"] = "600"
	c := startCluster(t, 2, settings)
	startAMQPEngine(t, s)
	for _, state := range []string{"ok", "degraded", "ok"} {
		testprogram.Eventually(t, "Redis "+state, func() bool {
			return strings.Contains(readyz(t, c.url), fmt.Sprintf(`"name":"events","state":%q`, state))
		})
		u := testprogram.NewUser(t)
		a, err := u.Create(c.url, "", "a fox")
		require.NoError(t, err)
		require.Equal(t, http.StatusAccepted, a.HTTP, "%s", a.Raw)
		// The stream may be of one replica and the work of the other.
		events := stream(t, u, c.url, a.GenerationID, "samples_ready")
		require.Contains(t, events, "event: generation_created")
		u.Until(t, c.url, a.GenerationID, "AwaitingSelection")
		switch state {
		case "ok":
			require.NoError(t, redis.Kill())
		case "degraded":
			require.NoError(t, redis.Start())
		}
	}
	// Each replica has a limit of its own now: somebody who asks without end is stopped.
	u, refused := testprogram.NewUser(t), false
	for range 2000 {
		a, err := u.Call(http.MethodGet, c.url+"/api/v1/credits", "", nil)
		require.NoError(t, err)
		if refused = a.HTTP == http.StatusTooManyRequests; refused {
			require.Equal(t, "rate_limited", a.Code)
			break
		}
	}
	require.True(t, refused)
}

// stream follows a generation until an event of this type, or a minute.
func stream(t *testing.T, u *testprogram.User, url, id, last string) string {
	t.Helper()
	req, err := http.NewRequest(http.MethodGet, url+"/api/v1/generations/"+id+"/events", nil)
	require.NoError(t, err)
	req.Header.Set("Authorization", "Bearer "+u.Token)
	req.Header.Set("Accept", "text/event-stream")
	res, err := (&http.Client{Timeout: time.Minute}).Do(req)
	require.NoError(t, err)
	defer res.Body.Close()
	var got strings.Builder
	buffer := make([]byte, 4096)
	for !strings.Contains(got.String(), "event: "+last) {
		n, err := res.Body.Read(buffer)
		got.Write(buffer[:n])
		require.NoError(t, err, got.String())
	}
	return got.String()
}

// odooServer stands for the addon of contract section 4, with one account for
// everybody. How it behaves can be changed while it runs.
type odooServer struct {
	url  string
	mood atomic.Value // func(w, r, next)

	mu    sync.Mutex
	state map[string]string // reference -> reserved, refused, deducted, refunded
	sums  map[string]string // reference -> amount of the first call
	calls map[string]int
}

type mood func(w http.ResponseWriter, r *http.Request, next http.HandlerFunc)

func (o *odooServer) set(m mood) { o.mood.Store(m) }

func well(w http.ResponseWriter, r *http.Request, next http.HandlerFunc) { next(w, r) }

// gone is what Odoo answers while its database is away.
func gone(w http.ResponseWriter, _ *http.Request, _ http.HandlerFunc) {
	w.Header().Set("Content-Type", "text/html")
	w.WriteHeader(http.StatusNotFound)
	_, _ = io.WriteString(w, "<html>Not Found</html>")
}

// broke refuses every new reservation.
func broke(w http.ResponseWriter, r *http.Request, next http.HandlerFunc) {
	if strings.HasSuffix(r.URL.Path, "/check_and_reserve") {
		_, _ = io.WriteString(w, `{"can_afford": false, "available": "0.10"}`)
		return
	}
	next(w, r)
}

// late does the work and answers when nobody waits any more.
func late(_ http.ResponseWriter, r *http.Request, next http.HandlerFunc) {
	next(httptest.NewRecorder(), r)
	<-r.Context().Done()
}

func startOdoo(t *testing.T) *odooServer {
	t.Helper()
	o := &odooServer{state: map[string]string{}, sums: map[string]string{}, calls: map[string]int{}}
	o.set(well)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		assert.Equal(t, "Bearer key-of-odoo", r.Header.Get("Authorization"))
		o.mood.Load().(mood)(w, r, o.serve(t))
	}))
	t.Cleanup(server.Close)
	o.url = server.URL
	return o
}

func (o *odooServer) serve(t *testing.T) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if strings.HasSuffix(r.URL.Path, "/balance") {
			_, _ = io.WriteString(w, `{"balance": "100.00", "reserved": "0.00", "available": "100.00"}`)
			return
		}
		var op struct{ Reference, Amount string }
		if err := json.NewDecoder(r.Body).Decode(&op); err != nil || op.Reference == "" {
			w.WriteHeader(http.StatusNotFound) // batches are not offered
			_, _ = io.WriteString(w, `{"error": {"code": "not_found", "message": "no such route"}}`)
			return
		}
		o.mu.Lock()
		defer o.mu.Unlock()
		name := r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:]
		o.calls[name]++
		if first, ok := o.sums[op.Reference]; ok {
			assert.Equal(t, first, op.Amount, "one reference, two amounts")
		}
		o.sums[op.Reference] = op.Amount
		o.move(t, name, op.Reference)
		_, _ = io.WriteString(w, `{"ok": true, "can_afford": true, "available": "50.00"}`)
	}
}

// move is the money rule as Odoo sees it: a repeat changes nothing, and nobody both
// deducts and refunds.
func (o *odooServer) move(t *testing.T, name, reference string) {
	was := o.state[reference]
	switch name {
	case "check_and_reserve":
		if was == "" {
			o.state[reference] = "reserved"
		}
	case "deduct":
		assert.Contains(t, []string{"reserved", "deducted"}, was, "deducted")
		o.state[reference] = "deducted"
	case "refund":
		assert.Contains(t, []string{"reserved", "refunded"}, was, "refunded")
		o.state[reference] = "refunded"
	}
}

func (o *odooServer) count(state string) (n int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, s := range o.state {
		if s == state {
			n++
		}
	}
	return n
}

// Odoo refusing, slow and gone, before the answer and in the background.
func TestOdoo(t *testing.T) {
	t.Parallel()
	o := startOdoo(t)
	dir := t.TempDir()
	p := testprogram.Start(t, dir, map[string]string{"ODOO_SERVICE_URL": o.url, "ODOO_API_KEY": "key-of-odoo", "ODOO_TIMEOUT": "500ms"})
	u := testprogram.NewUser(t)
	balance, err := u.Call(http.MethodGet, p.URL+"/api/v1/credits", "", nil)
	require.NoError(t, err)
	require.Equal(t, "100.00", balance.Available)

	o.set(broke)
	a, err := u.Create(p.URL, "", "cannot be paid")
	require.NoError(t, err)
	require.Equal(t, []any{http.StatusPaymentRequired, "insufficient_credits"}, []any{a.HTTP, a.Code})

	o.set(gone)
	a, err = u.Create(p.URL, "", "nobody to ask")
	require.NoError(t, err)
	require.Equal(t, []any{http.StatusServiceUnavailable, "credit_service_unavailable"}, []any{a.HTTP, a.Code}, "an outage is not a lack of credits")
	require.Zero(t, o.count("reserved"))

	o.set(late)
	key := "asked-twice"
	a, err = u.Create(p.URL, key, "answered too late")
	require.NoError(t, err)
	require.Equal(t, http.StatusServiceUnavailable, a.HTTP)
	require.Positive(t, o.count("reserved"), "Odoo has done it all the same")
	o.set(well)
	testprogram.Eventually(t, "the release of what nobody knew of", func() bool { return o.count("refunded") > 0 && o.count("reserved") == 0 })

	// The work is paid for when Odoo is back, however long that takes.
	testprogram.Eventually(t, "the breaker closes", func() bool {
		a, err = u.Create(p.URL, "", "paid later")
		require.NoError(t, err)
		return a.HTTP == http.StatusAccepted
	})
	u.Until(t, p.URL, a.GenerationID, "AwaitingSelection")
	testprogram.Eventually(t, "the samples are paid for", func() bool { return o.count("deducted") == 1 })
	g, err := u.Get(p.URL, a.GenerationID)
	require.NoError(t, err)
	a, err = u.Post(p.URL, g.ID, "select-sample", "", map[string]any{"sampleId": g.SampleAssets[0].AssetID})
	require.NoError(t, err)
	require.Equal(t, http.StatusAccepted, a.HTTP, "%s", a.Raw)
	o.set(gone)
	u.Until(t, p.URL, g.ID, "Completed")
	require.Contains(t, readyz(t, p.URL), `"status":"`, "it answers")
	p.Kill() // what is owed outlives the process
	p = testprogram.Start(t, dir, map[string]string{"ODOO_SERVICE_URL": o.url, "ODOO_API_KEY": "key-of-odoo", "ODOO_TIMEOUT": "500ms"})
	o.set(well)
	testprogram.Eventually(t, "the final is paid for", func() bool { return o.count("deducted") == 2 })
	require.Zero(t, o.count("reserved"))
	require.Equal(t, 0, p.Stop())
}

// With USE_SYNC_CREDIT_CHECK=false a request is accepted while Odoo is away, and
// decided when it is back.
func TestOdooInBackground(t *testing.T) {
	t.Parallel()
	o := startOdoo(t)
	p := testprogram.Start(t, t.TempDir(), map[string]string{
		"ODOO_SERVICE_URL": o.url, "ODOO_API_KEY": "key-of-odoo", "ODOO_TIMEOUT": "500ms", "USE_SYNC_CREDIT_CHECK": "false",
	})
	u := testprogram.NewUser(t)
	o.set(gone)
	a, err := u.Create(p.URL, "", "accepted at once")
	require.NoError(t, err)
	require.Equal(t, []any{http.StatusAccepted, "Pending"}, []any{a.HTTP, a.Status}, "%s", a.Raw)
	o.set(well)
	u.Until(t, p.URL, a.GenerationID, "AwaitingSelection")
	o.set(broke)
	a, err = u.Create(p.URL, "", "turned down later")
	require.NoError(t, err)
	require.Equal(t, http.StatusAccepted, a.HTTP)
	testprogram.Eventually(t, "the refusal", func() bool {
		g, err := u.Get(p.URL, a.GenerationID)
		require.NoError(t, err)
		return g.Status == "Failed"
	})
	testprogram.Eventually(t, "word to the user", func() bool { return p.Logged(`"type":"credits_insufficient"`) })
}
