package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"log"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen/internal/testprogram"
)

// cluster is several replicas of the program on one set of servers, with a balancer
// in front of them.
type cluster struct {
	t        *testing.T
	url      string // of the balancer
	settings map[string]string
	dirs     []string

	mu       sync.RWMutex
	replicas []*testprogram.Program // nil: down
	next     atomic.Int64
}

// startCluster starts n replicas with these settings.
func startCluster(t *testing.T, n int, settings map[string]string) *cluster {
	t.Helper()
	c := &cluster{t: t, settings: map[string]string{}, dirs: make([]string, n), replicas: make([]*testprogram.Program, n)}
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
	p := testprogram.Start(c.t, c.dirs[i], c.settings)
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
	p.Kill()
}

// stop ends all replicas in order.
func (c *cluster) stop() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, p := range c.replicas {
		assert.Equal(c.t, 0, p.Stop(), "exit code of replica %d", i)
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
		ErrorLog:      log.New(io.Discard, "", 0),
	}
}

func (c *cluster) pick() *url.URL {
	c.mu.RLock()
	defer c.mu.RUnlock()
	from := int(c.next.Add(1))
	for i := range c.replicas {
		if p := c.replicas[(from+i)%len(c.replicas)]; p != nil {
			u, _ := url.Parse(p.URL)
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
	*testprogram.User
	accepted map[string]string // Idempotency-Key -> generation
}

// work creates, selects, regenerates and cancels until end. A call without an answer
// is repeated with the same key until there is one.
func (p *person) work(t *testing.T, url string, end time.Time) {
	for n := 0; time.Now().Before(end); n++ {
		key := fmt.Sprintf("%s-%d", p.ID, n)
		a, ok := p.insist(t, func() (testprogram.Answer, error) { return p.Create(url, key, "a fox "+key) })
		if !ok || !assert.Equal(t, http.StatusAccepted, a.HTTP, "%s", a.Raw) {
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
		g, ok := p.insist(t, func() (testprogram.Answer, error) { return p.Get(url, id) })
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
			a, ok := p.insist(t, func() (testprogram.Answer, error) { return p.Post(url, id, verb, key, body) })
			if !ok || !assert.Less(t, a.HTTP, 300, "%s: %s", verb, a.Raw) {
				return
			}
		default:
			time.Sleep(20 * time.Millisecond)
		}
	}
}

// insist repeats a call until it is answered: lost connections, bad gateways, 503.
func (p *person) insist(t *testing.T, call func() (testprogram.Answer, error)) (testprogram.Answer, bool) {
	deadline := time.Now().Add(90 * time.Second)
	for {
		a, err := call()
		if err == nil && a.HTTP != http.StatusServiceUnavailable && a.HTTP != http.StatusConflict && a.HTTP < 502 {
			return a, assert.NotEqual(t, http.StatusInternalServerError, a.HTTP, "%s", a.Raw)
		}
		if err == nil && a.HTTP == http.StatusConflict && a.Code != "idempotency_conflict" {
			return a, true // the generation went on without us
		}
		if !assert.True(t, time.Now().Before(deadline), "no answer in 90 s: %v %s", err, a.Raw) {
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
		people[i] = &person{User: testprogram.NewUser(t), accepted: map[string]string{}}
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
