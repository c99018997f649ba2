package faults

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/creativeflow/aigen/internal/auth"
)

// simulatedUser uses the service as somebody in a hurry does, and remembers each promise.
type simulatedUser struct {
	id      string
	name    string // in prompts and keys: the same in each run with the same seed
	token   string
	seed    uint64
	records *Records
	urls    func() []string
	client  *http.Client
	ctx     context.Context //nolint:containedctx // the end of everything
	stop    <-chan struct{} // no new work from then on

	streams   context.Context //nolint:containedctx // the end of all streams
	listening *sync.WaitGroup // for them

	mu      sync.Mutex
	states  map[string]string // generation -> status, as the stream says
	changed map[string]chan struct{}
	tries   uint64
}

func newSimulatedUser(name string, seed uint64, secret string) (*simulatedUser, error) {
	id := uuid.New()
	token, err := auth.Mint([]byte(secret), auth.Claims{
		UserID: id, IssuedAt: time.Now().Add(-time.Hour), ExpiresAt: time.Now().Add(12 * time.Hour),
	})
	if err != nil {
		return nil, err
	}
	return &simulatedUser{
		id: id.String(), name: name, token: token, seed: seed,
		states: map[string]string{}, changed: map[string]chan struct{}{},
	}, nil
}

// request is one call, before it is made.
type request struct {
	verb, method, path, key string
	generation              string
	prompt, amount          string
	body                    any
}

// reply is what the service said.
type reply struct {
	http         int
	GenerationID string
	ID           string
	Status       string
	Code         string
	Reserved     string `json:"creditsReserved"`
	InputPrompt  string
	SampleAssets []struct{ AssetID string }
	FinalAsset   *struct{ AssetID string }
}

var errNotJSON = errors.New("the answer is not JSON")

// call makes one request at one replica and records it.
func (p *simulatedUser) call(q request, n int, url string) (reply, error) {
	c := Call{
		At: time.Now(), User: p.id, Verb: q.verb, Key: q.key, Prompt: q.prompt, Amount: q.amount, Generation: q.generation, Replica: n,
	}
	a, replayed, err := p.exchange(q, url)
	c.Took, c.HTTP, c.Code, c.Replayed, c.Reserved = time.Since(c.At), a.http, a.Code, replayed, a.Reserved
	if a.http < 300 {
		c.Status = a.Status
		if a.GenerationID != "" {
			c.Generation = a.GenerationID
		}
	}
	if err != nil {
		c.Err = err.Error()
		if errors.Is(err, errNotJSON) && a.http != 0 {
			p.records.odd("answers", q.generation, "%s: %v", q.verb, err)
		}
	}
	if a.http == http.StatusInternalServerError {
		p.records.odd("answers", q.generation, "500 to %s (key %s): %s", q.verb, q.key, a.Code)
	}
	add(p.records, &p.records.Calls, c)
	return a, err
}

func (p *simulatedUser) exchange(q request, url string) (a reply, replayed bool, err error) {
	var in io.Reader
	if q.body != nil {
		raw, err := json.Marshal(q.body)
		if err != nil {
			return a, false, err
		}
		in = bytes.NewReader(raw)
	}
	req, err := http.NewRequestWithContext(p.ctx, q.method, url+q.path, in)
	if err != nil {
		return a, false, err
	}
	req.Header.Set("Authorization", "Bearer "+p.token)
	if in != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if q.key != "" {
		req.Header.Set("Idempotency-Key", q.key)
	}
	res, err := p.client.Do(req)
	if err != nil {
		return a, false, err
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		return a, false, err // cut off: what was promised is not known
	}
	var problem struct{ Code string } // whose status is a number
	var to any = &a
	if res.StatusCode >= http.StatusBadRequest {
		to = &problem
	}
	if err := json.Unmarshal(raw, to); err != nil {
		return reply{http: res.StatusCode}, false, errors.Join(errNotJSON, err)
	}
	a.Code = problem.Code
	a.http = res.StatusCode
	return a, res.Header.Get("Idempotency-Replayed") == "true", nil
}

// target is a replica, another one at each try.
func (p *simulatedUser) target() (int, string) {
	p.mu.Lock()
	p.tries++
	n := int(dice(p.seed, p.name+"target")+p.tries) & (1<<30 - 1)
	p.mu.Unlock()
	urls := p.urls()
	return n % len(urls), urls[n%len(urls)]
}

var errGaveUp = errors.New("no answer for two minutes")

// insist repeats a request until it is answered for good.
func (p *simulatedUser) insist(q request) (reply, error) {
	end := time.Now().Add(2 * time.Minute)
	for try := 0; p.ctx.Err() == nil; try++ {
		n, url := p.target()
		a, err := p.call(q, n, url)
		if err == nil && !again(a) {
			return a, nil
		}
		if time.Now().After(end) {
			p.records.odd("answers", q.generation, "%s (key %s) was not answered for two minutes; last %d %s %v", q.verb, q.key, a.http, a.Code, err)
			return a, errGaveUp
		}
		pause := time.Duration(20+min(try, 10)*30) * time.Millisecond
		if a.Code == "credit_service_unavailable" || a.Code == "idempotency_conflict" {
			pause *= 3 // each of these tries costs the service a whole request
		}
		select {
		case <-p.ctx.Done():
		case <-time.After(pause):
		}
	}
	return reply{}, p.ctx.Err()
}

// again reports whether an answer means: come back.
func again(a reply) bool {
	switch a.http {
	case http.StatusServiceUnavailable, http.StatusTooManyRequests, http.StatusBadGateway, http.StatusInternalServerError:
		return true
	case http.StatusConflict:
		return a.Code == "idempotency_conflict"
	}
	return false
}

// observe takes what the stream of the user says.
func (p *simulatedUser) observe(generation, status string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.states[generation] = status
	if c := p.changed[generation]; c != nil {
		close(c)
		delete(p.changed, generation)
	}
}

// wait waits until the generation is in none of these states, or for a while.
func (p *simulatedUser) wait(generation string, atMost time.Duration, not ...string) string {
	timeout := time.NewTimer(atMost)
	defer timeout.Stop()
	for {
		p.mu.Lock()
		s := p.states[generation]
		c := p.changed[generation]
		if c == nil {
			c = make(chan struct{})
			p.changed[generation] = c
		}
		p.mu.Unlock()
		if s != "" && !contains(not, s) {
			return s
		}
		select {
		case <-c:
		case <-timeout.C:
			return s
		case <-p.ctx.Done():
			return s
		}
	}
}

func contains(list []string, s string) bool {
	for _, l := range list {
		if l == s {
			return true
		}
	}
	return false
}
