package metrics_test

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/app"
	"github.com/creativeflow/aigen/internal/metrics"
	"github.com/creativeflow/aigen/internal/outbox"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type asks func(context.Context) (app.Stats, error)

func nothing(context.Context) (app.Stats, error) { return app.Stats{}, nil }

func setup(ask asks) *metrics.Metrics { return metrics.New(ask, slog.New(slog.DiscardHandler)) }

// scrape is what Prometheus gets: the value of each series by its name and labels.
func scrape(t testing.TB, m *metrics.Metrics) map[string]string {
	t.Helper()
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequestWithContext(context.Background(), http.MethodGet, "/metrics", http.NoBody))
	require.Equal(t, http.StatusOK, w.Code)
	body, err := io.ReadAll(w.Body)
	require.NoError(t, err)
	series := map[string]string{}
	for line := range strings.Lines(string(body)) {
		line = strings.TrimSpace(line)
		if i := strings.LastIndexByte(line, ' '); i > 0 && !strings.HasPrefix(line, "#") {
			series[line[:i]] = line[i+1:]
		}
	}
	return series
}

// families lists the names of the series, without what histograms append.
func families(series map[string]string) (names []string) {
	for s := range series {
		name, _, _ := strings.Cut(s, "{")
		for _, part := range []string{"_bucket", "_sum", "_count"} {
			if base := strings.TrimSuffix(name, part); strings.HasSuffix(base, "_seconds") {
				name = base
			}
		}
		if strings.HasPrefix(name, "aigen_") && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// use does everything once.
func use(m *metrics.Metrics) {
	m.Request("/api/v1/generations", http.MethodPost, http.StatusAccepted, 3*time.Millisecond)
	m.Transition("", aigen.StatusPending, 0)
	m.Transition(aigen.StatusPending, aigen.StatusProcessingSamples, 2*time.Second)
	m.Callback("applied")
	m.Delivery(outbox.QueueJobs, outbox.DeliverSampleJob, "delivered", time.Second)
	m.CreditOperation("reserve", "ok", time.Millisecond)
	m.Streams(2)
	m.Streams(-1)
}
