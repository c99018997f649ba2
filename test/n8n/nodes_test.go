//go:build n8n

package n8n

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen/internal/testenv"
	"github.com/creativeflow/aigen/internal/testprogram"
)

const nodesPackage = "../../integrations/n8n/nodes-aigen"

// packNodes builds the package of the aigen nodes as it would be published.
func packNodes(t *testing.T, n *instance) (tarball string) {
	t.Helper()
	into := t.TempDir()
	run := func(args ...string) {
		cmd := exec.Command("npm", args...)
		cmd.Dir, cmd.Env = nodesPackage, append(os.Environ(), "PATH="+n.env["PATH"], "CI=true")
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, "npm %s: %s", strings.Join(args, " "), out)
	}
	if _, err := os.Stat(filepath.Join(nodesPackage, "node_modules/.package-lock.json")); err != nil {
		run("ci", "--no-audit", "--no-fund")
	}
	run("run", "build")
	run("pack", "--silent", "--pack-destination", into)
	packed, err := filepath.Glob(filepath.Join(into, "*.tgz"))
	require.NoError(t, err)
	require.Len(t, packed, 1)
	return packed[0]
}

// urlImages is an images API that answers with URLs, as the example workflows expect. It
// fails for every prompt with "never" in it, and at first for one with "stumbles".
type urlImages struct {
	url string

	mu    sync.Mutex
	made  int
	asked map[string]int // prompts
}

func startURLImages(t *testing.T) *urlImages {
	t.Helper()
	s := &urlImages{asked: map[string]int{}}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/images/generations", func(w http.ResponseWriter, r *http.Request) {
		var ask struct {
			Prompt, Size string
			N            int
		}
		if !assert.NoError(t, json.NewDecoder(r.Body).Decode(&ask)) {
			return
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		s.asked[ask.Prompt]++
		// The example asks twice before it reports a failure.
		if strings.Contains(ask.Prompt, "never") || strings.Contains(ask.Prompt, "stumbles") && s.asked[ask.Prompt] <= 2 {
			http.Error(w, "The paint ran out.", http.StatusInternalServerError)
			return
		}
		data := []map[string]string{}
		for range ask.N {
			s.made++
			data = append(data, map[string]string{"url": fmt.Sprintf("%s/pictures/%s/%d.png", s.url, ask.Size, s.made)})
		}
		w.Header().Set("Content-Type", "application/json")
		assert.NoError(t, json.NewEncoder(w).Encode(map[string]any{"data": data}))
	})
	mux.HandleFunc("GET /pictures/{size}/{name}", func(w http.ResponseWriter, r *http.Request) {
		var n int
		_, err := fmt.Sscanf(r.PathValue("name"), "%d.png", &n)
		assert.NoError(t, err)
		_, _ = w.Write(paint(t, r.PathValue("size"), n)) // who is gone needs no picture
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	s.url = server.URL
	return s
}

// example is a workflow beside the package, set up for the images API of the test.
func example(t *testing.T, file, id string, images *urlImages) workflow {
	t.Helper()
	w := load(t, "nodes-aigen/examples/"+file, id)
	for _, n := range w["nodes"].([]any) {
		n := n.(map[string]any)
		kind := n["type"].(string)
		require.NotContains(t, []string{"n8n-nodes-base.code", "n8n-nodes-base.crypto"}, kind, "the nodes are there to spare these")
		if kind == "n8n-nodes-base.set" {
			raw, err := json.Marshal(n["parameters"])
			require.NoError(t, err)
			changed := strings.ReplaceAll(string(raw), "https://images.example", images.url)
			require.NotEqual(t, string(raw), changed)
			require.NoError(t, json.Unmarshal([]byte(changed), ptr(n["parameters"].(map[string]any))))
		}
	}
	return w
}

func ptr[T any](v T) *T { return &v }

// prove has the aigen nodes of a workflow sign their reports.
func (w workflow) prove() workflow {
	for _, n := range w["nodes"].([]any) {
		n := n.(map[string]any)
		p := n["parameters"].(map[string]any)
		if n["type"] == "n8n-nodes-aigen.aigen" && p["operation"] != "parseJob" {
			p["authentication"] = "signature"
			n["credentials"] = map[string]any{"aigenApi": map[string]any{"id": "aigenApi", "name": "aigen API"}}
		}
	}
	return w
}

// TestNodes runs whole generations with workflows that have nothing but the aigen nodes
// between the service and an images API.
func TestNodes(t *testing.T) {
	broker := testenv.Start(t, testenv.RabbitMQKind())
	images := startURLImages(t)
	n := newInstance(t, nil)
	n.installPackage(packNodes(t, n))

	posted := startService(t, map[string]string{"N8N_WEBHOOK_URL": n.url + "/webhook/nodes-jobs"})
	queued := startService(t, map[string]string{"RABBITMQ_URL": broker.URL(), "GENERATION_JOB_QUEUE": "nodes"})
	webhook := example(t, "jobs-by-webhook.json", "nodes-webhook", images)
	webhook.parameters("aigen Trigger")["path"] = "nodes-jobs"
	webhook.node("aigen Trigger")["webhookId"] = "nodes-jobs"
	rabbit := example(t, "jobs-from-rabbitmq.json", "nodes-rabbitmq", images).prove()
	rabbit.parameters("RabbitMQ Trigger")["queue"] = "nodes"

	n.importCredentials(append(credentials(t, broker.URL(), "http://127.0.0.1:1"), credential{
		"aigenApi", "aigen API", "aigenApi", map[string]any{"baseUrl": posted.URL, "callbackSecret": testprogram.CallbackSecret + ", an older one"},
	})...)
	n.importWorkflows(webhook, rabbit)
	n.start()

	t.Run("by webhook", func(t *testing.T) { nodesMakeGenerations(t, posted.as(t), false) })
	t.Run("from RabbitMQ", func(t *testing.T) { nodesMakeGenerations(t, queued.as(t), true) })
	t.Run("failures", func(t *testing.T) { nodesReportFailures(t, queued.as(t), images) })
	t.Run("strangers", func(t *testing.T) { nodesRefuseStrangers(t, n.url+"/webhook/nodes-jobs") })
	for _, s := range []*service{posted, queued} {
		s.settled()
		require.Equal(t, 0, s.Stop())
	}
}

// nodesMakeGenerations: ten whole ones, each job applied once, proved as configured.
func nodesMakeGenerations(t *testing.T, s *service, signed bool) {
	u := testprogram.NewUser(t)
	all := s.order(u, 10, "a red fox 🦊, \"quoted\"", "600x300")
	require.Equal(t, map[string]int{"Completed": 10}, s.finish(u, all, 3*time.Minute))
	s.checkPictures(u, all[3], "512x512", "600x300")
	ends, progress := s.reports()
	applied := map[string]int{}
	for _, c := range ends {
		// A job comes twice where n8n was too busy to answer in time; then its report is
		// the same again, and known.
		assert.Contains(t, []string{"applied", "duplicate"}, c.outcome, "%+v", c)
		if c.outcome == "applied" {
			applied[c.JobID]++
		}
	}
	require.Len(t, applied, 20, "a job for each stage")
	for job, times := range applied {
		assert.Equal(t, 1, times, job)
	}
	require.GreaterOrEqual(t, len(progress), 20)
	for _, c := range append(ends, progress...) {
		assert.Equal(t, signed, c.signed, "%+v", c)
	}
	a, err := u.Get(s.URL, all[0].id)
	require.NoError(t, err)
	assert.Contains(t, string(a.Raw), `"aiModelUsed":"any-model"`)
}

// nodesReportFailures: one that passes is tried again; one that stays ends with a refund.
func nodesReportFailures(t *testing.T, s *service, images *urlImages) {
	u := testprogram.NewUser(t)
	stumbling := s.order(u, 1, "it stumbles", "600x300")
	require.Equal(t, map[string]int{"Completed": 1}, s.finish(u, stumbling, 2*time.Minute))
	require.Len(t, s.failures(stumbling[0]), 1)
	assert.Contains(t, s.failures(stumbling[0])[0], "images_api_failed ")

	failing := s.order(u, 1, "it never works", "600x300")
	require.Equal(t, map[string]int{"Failed": 1}, s.finish(u, failing, 2*time.Minute))
	require.Len(t, s.failures(failing[0]), 3, "three attempts")
	a, err := u.Get(s.URL, failing[0].id)
	require.NoError(t, err)
	assert.Equal(t, [2]string{"0.00", "0.50"}, [2]string{a.Credits.Deducted, a.Credits.Refunded})
	assert.Contains(t, string(a.Raw), "The paint ran out.")
	assert.NotContains(t, string(a.Raw), "    at ", "no stack")
}

// nodesRefuseStrangers: a job that is not signed starts nothing.
func nodesRefuseStrangers(t *testing.T, address string) {
	for _, header := range []map[string]string{
		nil, {"Webhook-Id": "x", "Webhook-Timestamp": fmt.Sprint(time.Now().Unix()), "Webhook-Signature": "v1," + strings.Repeat("A", 43) + "="},
	} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, address, strings.NewReader(`{"jobType":"sample_generation"}`))
		require.NoError(t, err)
		req.Header.Set("Content-Type", "application/json")
		for k, v := range header {
			req.Header.Set(k, v)
		}
		res, err := http.DefaultClient.Do(req)
		require.NoError(t, err)
		_ = res.Body.Close()
		assert.Equal(t, http.StatusUnauthorized, res.StatusCode)
	}
}
