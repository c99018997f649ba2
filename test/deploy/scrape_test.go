package deploy

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/app"
	"github.com/creativeflow/aigen/internal/metrics"
	"github.com/creativeflow/aigen/internal/outbox"
)

// targetLabels are those that Prometheus gives to every series of a target.
var targetLabels = []string{"job", "instance", "namespace", "pod"}

// scrape is what Prometheus gets of a service in which everything has happened once:
// every answer that the OpenAPI document promises, every outcome of every delivery.
func scrape(t *testing.T) []selector {
	t.Helper()
	m := metrics.New(func(context.Context) (app.Stats, error) { return app.Stats{}, nil }, slog.New(slog.DiscardHandler))
	useHTTP(t, m)
	for _, from := range append(aigen.Statuses(), "") {
		for _, to := range aigen.Statuses() {
			if from == "" || from.CanMoveTo(to) {
				m.Transition(from, to, time.Second)
			}
		}
	}
	for _, kind := range []outbox.DeliveryKind{
		outbox.DeliverSampleJob, outbox.DeliverFinalJob, outbox.DeliverReserve, outbox.DeliverDeduct,
		outbox.DeliverRefund, outbox.DeliverRelease, outbox.DeliverNotify,
	} {
		m.Delivery(kind.Queue(), kind, "delivered", time.Second)
	}
	for _, op := range []string{"reserve", "deduct", "refund", "balance"} {
		for _, outcome := range []string{"ok", "refused", "unavailable", "error"} {
			m.CreditOperation(op, outcome, time.Second)
		}
	}
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", http.NoBody))
	body, err := io.ReadAll(w.Body)
	require.NoError(t, err)
	return readScrape(t, string(body))
}

// useHTTP gives every answer that the document describes.
func useHTTP(t *testing.T, m *metrics.Metrics) {
	t.Helper()
	data, err := os.ReadFile("../../api/openapi.json")
	require.NoError(t, err)
	var document struct {
		Paths map[string]map[string]struct{ Responses map[string]any }
	}
	require.NoError(t, json.Unmarshal(data, &document))
	require.NotEmpty(t, document.Paths)
	for path, operations := range document.Paths {
		for method, operation := range operations {
			for status := range operation.Responses {
				code, err := strconv.Atoi(status)
				require.NoError(t, err)
				m.Request(path, strings.ToUpper(method), code, time.Millisecond)
			}
		}
	}
}

func readScrape(t *testing.T, body string) (series []selector) {
	t.Helper()
	for line := range strings.Lines(body) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		q, err := parse(line[:strings.LastIndexByte(line, ' ')])
		require.NoError(t, err)
		series = append(series, q.selectors...)
	}
	require.Greater(t, len(series), 100)
	return series
}

// checkQuery is an error unless each selector takes at least one series of the scrape,
// and each label that is grouped by is on one of them.
func checkQuery(expr string, series []selector) error {
	q, err := parse(expr)
	if err != nil {
		return err
	}
	if len(q.selectors) == 0 {
		return fmt.Errorf("no metric is asked for in %s", expr)
	}
	labels := append([]string{"le"}, targetLabels...)
	for _, s := range q.selectors {
		found := false
		for _, have := range series {
			if s.selects(have, targetLabels) {
				found = true
				labels = append(labels, have.labels()...)
			}
		}
		if !found {
			return fmt.Errorf("the service has no series for %s with %v in %s", s.name, s.matchers, expr)
		}
	}
	for _, label := range q.labels {
		if !slices.Contains(labels, label) {
			return fmt.Errorf("no metric has the label %s in %s", label, expr)
		}
	}
	return nil
}

func TestCheckQueryFindsFaults(t *testing.T) {
	t.Parallel()
	series := []selector{{name: "a", matchers: []matcher{{"x", "=", "1"}}}}
	for _, right := range []string{
		`sum by (x, job) (rate(a{x=~"1|2",job="j"}[5m]))`, `a{x!~"2"} > 0`, `histogram_quantile(0.9, sum by (le) (a))`,
	} {
		require.NoError(t, checkQuery(right, series), right)
	}
	for _, wrong := range []string{`sum by (y) (a)`, `a{x="2"}`, `a{x!="1"}`, `a{x=~"("}`, `a{y="1"}`, `b`, `1 + 1`, `{x="1"}`} {
		require.Error(t, checkQuery(wrong, series), wrong)
	}
}
