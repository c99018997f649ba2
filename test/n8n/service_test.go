//go:build n8n

package n8n

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"image/png"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen/internal/testenv"
	"github.com/creativeflow/aigen/internal/testprogram"
)

// service is the real program on a database of its own. Callbacks reach it through a
// proxy that writes them down.
type service struct {
	*testprogram.Program
	*notes
	t        *testing.T
	database string
}

// notes are what the proxy has seen.
type notes struct {
	mu        sync.Mutex
	target    *url.URL // nil: not up yet
	away      bool     // the proxy answers in the service's place, as one does whose server is gone
	missed    int      // callbacks that came meanwhile
	callbacks []callback
}

// callback is one that n8n made, and what the service said.
type callback struct {
	JobID, GenerationID, Status, Stage string
	Error                              struct{ Code, Message string }

	signed  bool // by webhook-signature alone; else by the job's token
	outcome string
}

// startService starts the service. Its broker or webhook is in the settings.
func startService(t *testing.T, settings map[string]string) *service {
	t.Helper()
	s := &service{t: t, database: testenv.PostgreSQL(t), notes: &notes{}}
	forward := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			s.mu.Lock()
			defer s.mu.Unlock()
			r.SetURL(s.target)
		},
		ModifyResponse: s.note,
	}
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return // n8n was killed in the middle of its sentence
		}
		if s.missing() {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		forward.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), bodyKey{}, body)))
	}))
	t.Cleanup(proxy.Close)
	all := map[string]string{
		"DATABASE_URL": s.database, "CALLBACK_BASE_URL": proxy.URL, "DATABASE_POOL_SIZE": "5",
		// n8n takes up to a minute to come back where the machine is busy.
		"SAMPLES_TIMEOUT": "4m", "FINAL_TIMEOUT": "4m", "LEDGER_INITIAL_CREDITS": "1000",
	}
	for k, v := range settings {
		all[k] = v
	}
	s.Program = testprogram.Start(t, t.TempDir(), all)
	u, err := url.Parse(s.URL)
	require.NoError(t, err)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.target = u
	return s
}

func (s *notes) missing() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.away {
		s.missed++
	}
	return s.away
}

// goAway makes callbacks fail, or lets them through again, and tells how many failed.
func (s *notes) goAway(away bool) (missed int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.away = away
	return s.missed
}

// note writes a callback down, with the copy of its body that was made on the way.
func (s *notes) note(r *http.Response) error {
	raw, err := io.ReadAll(r.Body)
	if err != nil {
		return err
	}
	r.Body = io.NopCloser(bytes.NewReader(raw))
	var answer struct{ Outcome string }
	_ = json.Unmarshal(raw, &answer) // a problem has none
	c := callback{outcome: answer.Outcome, signed: r.Request.Header.Get("Webhook-Signature") != "" && r.Request.Header.Get("Authorization") == ""}
	if c.outcome == "" {
		c.outcome = r.Status
	}
	if body, ok := r.Request.Context().Value(bodyKey{}).([]byte); ok {
		if err := json.Unmarshal(body, &c); err != nil {
			return err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.callbacks = append(s.callbacks, c)
	return nil
}

type bodyKey struct{}

// reports are the callbacks so far but for progress, and those of progress.
func (s *notes) reports() (ends, progress []callback) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.callbacks {
		if c.Stage == "progress" {
			progress = append(progress, c)
		} else {
			ends = append(ends, c)
		}
	}
	return ends, progress
}

// generation is one that a user asked for.
type generation struct{ id, resolution string }

// order asks for n generations.
func (s *service) order(u *testprogram.User, n int, prompt, resolution string) []generation {
	s.t.Helper()
	all := make([]generation, n)
	for i := range all {
		body := testprogram.CreateBody(fmt.Sprintf("%s %d", prompt, i))
		body["inputParameters"].(map[string]any)["resolution"] = resolution
		a, err := u.Call(http.MethodPost, s.URL+"/api/v1/generations", "", body)
		require.NoError(s.t, err)
		require.Equal(s.t, http.StatusAccepted, a.HTTP, "%s", a.Raw)
		all[i] = generation{a.GenerationID, resolution}
	}
	return all
}

// finish takes generations to their ends: the second sample of each is chosen. It
// returns how many ended in which status.
func (s *service) finish(u *testprogram.User, all []generation, atMost time.Duration) map[string]int {
	s.t.Helper()
	ends := map[string]int{}
	open := map[string]bool{}
	for _, g := range all {
		open[g.id] = true
	}
	eventually(s.t, "the end of every generation", atMost, func() bool {
		for id := range open {
			a, err := u.Get(s.URL, id)
			require.NoError(s.t, err)
			switch a.Status {
			case "AwaitingSelection":
				require.Len(s.t, a.SampleAssets, 2)
				chosen, err := u.Post(s.URL, id, "select-sample", "", map[string]any{"sampleId": a.SampleAssets[1].AssetID})
				require.NoError(s.t, err)
				require.Equal(s.t, http.StatusAccepted, chosen.HTTP, "%s", chosen.Raw)
			case "Completed", "Failed", "Cancelled", "ContentRejected":
				ends[a.Status]++
				delete(open, id)
			}
		}
		return len(open) == 0
	})
	return ends
}

// checkPictures downloads all pictures of a generation: real PNGs of the asked sizes.
func (s *service) checkPictures(u *testprogram.User, g generation, sample, final string) {
	s.t.Helper()
	a, err := u.Get(s.URL, g.id)
	require.NoError(s.t, err)
	require.Equal(s.t, "Completed", a.Status)
	require.Len(s.t, a.SampleAssets, 2)
	var contents [][]byte
	for i, p := range []struct{ url, size string }{
		{a.SampleAssets[0].URL, sample}, {a.SampleAssets[1].URL, sample}, {a.FinalAsset.URL, final},
	} {
		raw := testprogram.Picture(s.t, p.url)
		img, err := png.Decode(bytes.NewReader(raw))
		require.NoError(s.t, err, "picture %d of %s", i, g.id)
		assert.Equal(s.t, p.size, fmt.Sprintf("%dx%d", img.Bounds().Dx(), img.Bounds().Dy()), "picture %d of %s", i, g.id)
		contents = append(contents, raw)
	}
	assert.NotEqual(s.t, contents[0], contents[1], "samples differ")
}

// settled waits until nothing is to be done any more, asks the audit's questions, and
// returns the database for more of them.
func (s *service) settled() *sql.DB {
	s.t.Helper()
	db := testprogram.AuditPostgres(s.t, s.database)
	eventually(s.t, "an empty outbox", time.Minute, func() bool {
		return testprogram.Count(s.t, db, "SELECT count(*) FROM deliveries") == 0
	})
	require.Zero(s.t, testprogram.Count(s.t, db, "SELECT count(*) FROM runs WHERE reservation NOT IN ('deducted', 'refunded')"))
	return testprogram.AuditPostgres(s.t, s.database)
}

// as is the same service in another test.
func (s *service) as(t *testing.T) *service {
	return &service{Program: s.Program, t: t, database: s.database, notes: s.notes}
}

// failures are the errors that were reported of a generation, in their order.
func (s *service) failures(g generation) (all []string) {
	ends, _ := s.reports()
	for _, c := range ends {
		if c.GenerationID == g.id && c.Status == "failure" && c.outcome == "applied" {
			all = append(all, c.Error.Code+" "+c.Error.Message)
		}
	}
	return all
}
