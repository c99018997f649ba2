package e2e

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// cluster is several replicas of the program on one set of servers, with a balancer
// in front of them.
type cluster struct {
	t        *testing.T
	url      string // of the balancer
	settings map[string]string
	dirs     []string

	mu       sync.RWMutex
	replicas []*program // nil: down
	next     atomic.Int64
}

// startCluster starts n replicas with these settings.
func startCluster(t *testing.T, n int, settings map[string]string) *cluster {
	t.Helper()
	c := &cluster{t: t, settings: map[string]string{}, dirs: make([]string, n), replicas: make([]*program, n)}
	balancer := httptest.NewServer(c.balancer())
	t.Cleanup(balancer.Close)
	c.url = balancer.URL
	for k, v := range settings {
		c.settings[k] = v
	}
	c.settings["CALLBACK_BASE_URL"] = c.url
	for i := range n {
		c.dirs[i] = t.TempDir()
		c.up(i)
	}
	return c
}

// up starts replica i.
func (c *cluster) up(i int) {
	p := start(c.t, c.dirs[i], c.settings)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.replicas[i] = p
}

// kill ends replica i as a power cut would.
func (c *cluster) kill(i int) {
	c.mu.Lock()
	p := c.replicas[i]
	c.replicas[i] = nil
	c.mu.Unlock()
	p.kill()
}

// stop ends all replicas in order.
func (c *cluster) stop() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, p := range c.replicas {
		assert.Equal(c.t, 0, p.stop(), "exit code of replica %d", i)
	}
}

// balancer passes each request to a replica that is up, in turn. It repeats nothing:
// whoever asked does, as behind any balancer.
func (c *cluster) balancer() http.Handler {
	return &httputil.ReverseProxy{
		Transport: &http.Transport{MaxIdleConnsPerHost: 64},
		Rewrite: func(r *httputil.ProxyRequest) {
			if u := c.pick(); u != nil {
				r.SetURL(u)
			}
		},
		FlushInterval: -1,
		ErrorHandler:  func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) },
		ErrorLog:      silent,
	}
}

func (c *cluster) pick() *url.URL {
	c.mu.RLock()
	defer c.mu.RUnlock()
	from := int(c.next.Add(1))
	for i := range c.replicas {
		if p := c.replicas[(from+i)%len(c.replicas)]; p != nil {
			u, _ := url.Parse(p.url)
			return u
		}
	}
	return nil
}

// killFor kills a replica every interval until the time is over, each started again
// while the next one is already going. It returns how many were killed.
func (c *cluster) killFor(d, interval time.Duration) (kills int) {
	for end := time.Now().Add(d); time.Now().Before(end); kills++ {
		time.Sleep(interval) // the test's own measure, not a wait for something
		i := kills % len(c.replicas)
		c.kill(i)
		c.up(i)
	}
	return kills
}

// person uses the service as somebody in a hurry would, until the time is over, and
// remembers each promise.
type person struct {
	*user
	accepted map[string]string // Idempotency-Key -> generation
}

// work creates, selects, regenerates and cancels until end. A call without an answer
// is repeated with the same key until there is one.
func (p *person) work(t *testing.T, url string, end time.Time) {
	for n := 0; time.Now().Before(end); n++ {
		key := fmt.Sprintf("%s-%d", p.id, n)
		a, ok := p.insist(t, func() (answer, error) { return p.create(url, key, "a fox "+key) })
		if !ok || !assert.Equal(t, http.StatusAccepted, a.HTTP, "%s", a.raw) {
			return
		}
		p.accepted[key] = a.GenerationID
		if rand.IntN(4) == 0 {
			continue // comes back at the end, if at all
		}
		p.finish(t, url, a.GenerationID, end)
	}
}

// finish takes a generation to an end, or as far as the time allows.
func (p *person) finish(t *testing.T, url, id string, end time.Time) {
	regenerated := false
	for time.Now().Before(end) {
		g, ok := p.insist(t, func() (answer, error) { return p.get(url, id) })
		if !ok {
			return
		}
		switch g.Status {
		case "Completed", "Failed", "Cancelled", "ContentRejected":
			return
		case "AwaitingSelection":
			dice := rand.IntN(10)
			verb, body := "select-sample", map[string]any{"sampleId": g.SampleAssets[0].AssetID}
			if dice == 0 {
				verb, body = "cancel", map[string]any{}
			} else if dice == 1 && !regenerated {
				verb, body, regenerated = "regenerate-samples", map[string]any{"inputPrompt": "a blue fox"}, true
			}
			key := id + verb + g.SampleAssets[0].AssetID
			a, ok := p.insist(t, func() (answer, error) { return p.post(url, id, verb, key, body) })
			if !ok || !assert.Less(t, a.HTTP, 300, "%s: %s", verb, a.raw) {
				return
			}
		default:
			time.Sleep(20 * time.Millisecond)
		}
	}
}

// insist repeats a call until it is answered: lost connections, bad gateways, 503.
func (p *person) insist(t *testing.T, call func() (answer, error)) (answer, bool) {
	deadline := time.Now().Add(90 * time.Second)
	for {
		a, err := call()
		if err == nil && a.HTTP != http.StatusServiceUnavailable && a.HTTP != http.StatusConflict && a.HTTP < 502 {
			return a, assert.NotEqual(t, http.StatusInternalServerError, a.HTTP, "%s", a.raw)
		}
		if err == nil && a.HTTP == http.StatusConflict && a.Code != "idempotency_conflict" {
			return a, true // the generation went on without us
		}
		if !assert.True(t, time.Now().Before(deadline), "no answer in 90 s: %v %s", err, a.raw) {
			return a, false
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// crowd is n people.
func crowd(t *testing.T, n int) []*person {
	t.Helper()
	people := make([]*person, n)
	for i := range people {
		people[i] = &person{user: newUser(t), accepted: map[string]string{}}
	}
	return people
}

// workFor lets people work for a while.
func workFor(t *testing.T, people []*person, url string, d time.Duration) {
	end := time.Now().Add(d)
	var wg sync.WaitGroup
	for _, p := range people {
		wg.Go(func() { p.work(t, url, end) })
	}
	wg.Wait()
}

// ended waits until every promise has come to an end: what still waits for a choice
// is chosen now.
func (c *cluster) ended(people []*person) (generations int) {
	c.t.Helper()
	end := time.Now().Add(2 * time.Minute)
	var wg sync.WaitGroup
	for _, p := range people {
		generations += len(p.accepted)
		wg.Go(func() {
			for _, id := range p.accepted {
				p.finish(c.t, c.url, id, end)
			}
		})
	}
	wg.Wait()
	require.False(c.t, c.t.Failed())
	require.True(c.t, time.Now().Before(end), "not every generation came to an end")
	return generations
}

// notifications stands for the notification service: it remembers who was told what
// under which key, and refuses now and then.
type notifications struct {
	url string

	mu   sync.Mutex
	told map[string]map[string]bool // generation and type -> keys
	keys map[string]string          // key -> body
}

func notificationService(t *testing.T) *notifications {
	t.Helper()
	n := &notifications{told: map[string]map[string]bool{}, keys: map[string]string{}}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		raw, err := io.ReadAll(r.Body)
		if err != nil {
			return // the replica was killed in the middle of its sentence
		}
		if rand.IntN(20) == 0 {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		n.take(t, r, raw)
		w.WriteHeader(http.StatusOK)
	}))
	t.Cleanup(server.Close)
	n.url = server.URL
	return n
}

func (n *notifications) take(t *testing.T, r *http.Request, raw []byte) {
	var body struct {
		UserID  string `json:"user_id"`
		Message string
		Payload struct{ Type, GenerationID string }
	}
	assert.NoError(t, json.Unmarshal(raw, &body))
	assert.Equal(t, "/api/v1/notify", r.URL.Path)
	assert.NotEmpty(t, body.UserID)
	assert.NotEmpty(t, body.Message)
	key := r.Header.Get("Idempotency-Key")
	n.mu.Lock()
	defer n.mu.Unlock()
	if before, ok := n.keys[key]; ok {
		assert.Equal(t, before, string(raw), "one key, two messages")
	}
	n.keys[key] = string(raw)
	what := body.Payload.GenerationID + " " + body.Payload.Type
	if n.told[what] == nil {
		n.told[what] = map[string]bool{}
	}
	n.told[what][key] = true
}

// auditPostgres asks the same questions as audit, in PostgreSQL's words.
func auditPostgres(t *testing.T, databaseURL string) *sql.DB {
	t.Helper()
	db, err := sql.Open("pgx", databaseURL)
	require.NoError(t, err)
	t.Cleanup(func() { _ = db.Close() })
	for _, a := range postgresAudits {
		require.Empty(t, rowsOf(t, db, a.query), "broken: %s", a.rule)
	}
	return db
}

var postgresAudits = []struct{ rule, query string }{
	{"a run's reservation is what its ledger entries say", `
		SELECT r.id, r.reservation, r.amount, string_agg(e.kind || ':' || e.amount, ',')
		FROM runs r LEFT JOIN ledger_entries e ON e.run_id = r.id
		GROUP BY r.id, r.reservation, r.amount
		HAVING NOT CASE r.reservation
			WHEN 'held'     THEN count(e.id) = 1 AND count(*) FILTER (WHERE e.kind = 'reserve') = 1
			WHEN 'deducted' THEN count(e.id) = 2 AND count(*) FILTER (WHERE e.kind = 'reserve') = 1 AND count(*) FILTER (WHERE e.kind = 'deduct') = 1
			WHEN 'refunded' THEN count(e.id) = 2 AND count(*) FILTER (WHERE e.kind = 'reserve') = 1 AND count(*) FILTER (WHERE e.kind = 'refund') = 1
			ELSE count(e.id) = 0 END
		OR (count(e.id) > 0 AND (min(e.amount) <> r.amount OR max(e.amount) <> r.amount))`},
	{"no entry without a run", `
		SELECT run_id FROM ledger_entries e
		WHERE run_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM runs r WHERE r.id = e.run_id)`},
	{"an account is the sum of its entries", `
		SELECT a.user_id, a.balance, a.held FROM accounts a JOIN ledger_entries e USING (user_id)
		GROUP BY a.user_id, a.balance, a.held
		HAVING a.balance <> sum(CASE e.kind WHEN 'deduct' THEN -e.amount WHEN 'open' THEN e.amount WHEN 'grant' THEN e.amount ELSE 0 END)
		    OR a.held <> sum(CASE e.kind WHEN 'reserve' THEN e.amount WHEN 'deduct' THEN -e.amount WHEN 'refund' THEN -e.amount ELSE 0 END)`},
	{"the log has no gap and ends with the state", `
		SELECT g.id, g.status, g.last_event, count(e.seq), max(e.seq)
		FROM generations g LEFT JOIN events e ON e.generation_id = g.id
		GROUP BY g.id, g.status, g.last_event
		HAVING count(e.seq) <> g.last_event OR max(e.seq) <> g.last_event
		    OR (SELECT l.data::json->>'status' FROM events l WHERE l.generation_id = g.id AND l.seq = g.last_event) <> g.status`},
	{"positions of a user have no gap", `
		SELECT e.user_id, count(*), max(e.position) FROM events e JOIN accounts a USING (user_id)
		GROUP BY e.user_id, a.event_position
		HAVING count(*) <> max(e.position) OR max(e.position) <> a.event_position`},
	{"what has ended holds nothing, works on nothing and is due never", `
		SELECT g.id, g.status, r.reservation, r.jobs FROM generations g JOIN runs r ON r.generation_id = g.id
		WHERE g.status IN ('Completed', 'Failed', 'Cancelled', 'ContentRejected')
		  AND (r.reservation IN ('pending', 'held') OR r.jobs::text LIKE '%"live"%' OR g.due_at IS NOT NULL)`},
	{"what is being processed has exactly one live job", `
		SELECT g.id, g.status, live.n
		FROM generations g, LATERAL (
			SELECT count(*) AS n FROM runs r, json_array_elements(r.jobs::json) j
			WHERE r.generation_id = g.id AND j->>'state' = 'live') live
		WHERE (live.n = 1) <> (g.status IN ('ProcessingSamples', 'ProcessingFinal')) OR live.n > 1`},
	{"what has not ended is due some time", `
		SELECT id, status FROM generations
		WHERE status NOT IN ('Completed', 'Failed', 'Cancelled', 'ContentRejected') AND due_at IS NULL`},
	{"an idempotency key has its generation", `
		SELECT key FROM idempotency_keys k WHERE NOT EXISTS (SELECT 1 FROM generations g WHERE g.id = k.generation_id)`},
	{"no delivery is dead", `SELECT id, kind, last_error FROM deliveries WHERE state = 'dead'`},
}
