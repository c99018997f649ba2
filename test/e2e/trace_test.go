package e2e

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen/internal/testprogram"
)

// One trace, from the caller's request through the outbox to the job, back in by the
// callback, and out to the notification service, as a collector sees it.
func TestTrace(t *testing.T) {
	t.Parallel()
	const trace = "0af7651916cd43dd8448eb211c80319c"
	var mu sync.Mutex
	var spans strings.Builder
	collector := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		assert.Equal(t, "/v1/traces", r.URL.Path)
		raw, err := io.ReadAll(r.Body)
		assert.NoError(t, err)
		mu.Lock()
		defer mu.Unlock()
		spans.Write(raw)
	}))
	t.Cleanup(collector.Close)
	told := make(chan string, 10)
	notify := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { told <- r.Header.Get("traceparent") }))
	t.Cleanup(notify.Close)
	e := testprogram.WebhookEngine(t)
	p := testprogram.Start(t, t.TempDir(), map[string]string{
		"N8N_WEBHOOK_URL": e.URL, "NOTIFICATION_SERVICE_URL": notify.URL, "OTEL_EXPORTER_OTLP_ENDPOINT": collector.URL,
	})

	body, err := json.Marshal(testprogram.CreateBody("a very secret fox"))
	require.NoError(t, err)
	req, err := http.NewRequest(http.MethodPost, p.URL+"/api/v1/generations", bytes.NewReader(body))
	require.NoError(t, err)
	req.Header.Set("Authorization", "Bearer "+testprogram.NewUser(t).Token)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("traceparent", "00-"+trace+"-b7ad6b7169203331-01")
	res, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	require.NoError(t, res.Body.Close())
	require.Equal(t, http.StatusAccepted, res.StatusCode)

	j := e.Next(t)
	parent := j.Header.Get("traceparent")
	require.Regexp(t, "^00-"+trace+"-[0-9a-f]{16}-01$", parent)
	status, answer, err := j.Report(j.Success(), "X-N8N-Webhook-Secret", testprogram.CallbackSecret, "traceparent", parent)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, status, answer)
	require.Regexp(t, "^00-"+trace+"-[0-9a-f]{16}-01$", <-told)
	require.True(t, p.Logged(`"trace_id":"`+trace+`"`), "the log leads to the trace")
	require.Equal(t, 0, p.Stop())

	mu.Lock()
	defer mu.Unlock()
	raw, err := hex.DecodeString(trace)
	require.NoError(t, err)
	assert.GreaterOrEqual(t, strings.Count(spans.String(), string(raw)), 5, "spans of the trace")
	for _, name := range []string{
		"POST /api/v1/generations", "deliver sample_generation", "POST /api/v1/callbacks/n8n", "deliver notify", "notifications POST",
	} {
		assert.Contains(t, spans.String(), name)
	}
	assert.NotContains(t, spans.String(), "a very secret fox")
}
