package metrics_test

import (
	"flag"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/metrics"
	"github.com/creativeflow/aigen/internal/outbox"
)

var update = flag.Bool("update", false, "write the golden files")

// Dashboards and alerts are built on the names: a change here breaks them.
func TestNames(t *testing.T) {
	t.Parallel()
	m := setup(nothing)
	use(m)
	got := strings.Join(families(scrape(t, m)), "\n") + "\n"
	golden := filepath.Join("testdata", "names.txt")
	if *update {
		require.NoError(t, os.WriteFile(golden, []byte(got), 0o600))
	}
	want, err := os.ReadFile(golden)
	require.NoError(t, err)
	require.Equal(t, string(want), got)
}

func TestLint(t *testing.T) {
	t.Parallel()
	m := setup(nothing)
	use(m)
	families, err := metrics.Registry(m).Gather()
	require.NoError(t, err)
	for _, f := range families {
		if strings.HasPrefix(f.GetName(), "aigen_") {
			require.NotEmpty(t, f.GetHelp(), f.GetName())
		}
	}
	problems, err := promlint.NewWithMetricFamilies(families).Lint()
	require.NoError(t, err)
	require.Empty(t, problems)
}

func TestCounts(t *testing.T) {
	t.Parallel()
	m := setup(nothing)
	use(m)
	m.Transition(aigen.StatusProcessingFinal, aigen.StatusProcessingFinal, time.Hour) // a retry: no move
	m.Delivery(outbox.QueueJobs, outbox.DeliverSampleJob, "retry", time.Hour)
	m.SetVersion("v1.2.3")
	s := scrape(t, m)
	for series, want := range map[string]string{
		`aigen_http_requests_total{method="POST",route="/api/v1/generations",status="202"}`:  "1",
		`aigen_http_request_duration_seconds_sum{method="POST",route="/api/v1/generations"}`: "0.003",
		`aigen_generation_transitions_total{from="new",to="Pending"}`:                        "1",
		`aigen_generation_transitions_total{from="Pending",to="ProcessingSamples"}`:          "1",
		`aigen_generation_transitions_total{from="ProcessingFinal",to="Completed"}`:          "0",
		`aigen_stage_duration_seconds_sum{stage="Pending"}`:                                  "2",
		`aigen_stage_duration_seconds_count{stage="Pending"}`:                                "1",
		`aigen_callbacks_total{outcome="applied"}`:                                           "1",
		`aigen_callbacks_total{outcome="stale"}`:                                             "0",
		`aigen_deliveries_total{kind="sample_generation",lane="jobs",outcome="delivered"}`:   "1",
		`aigen_deliveries_total{kind="sample_generation",lane="jobs",outcome="retry"}`:       "1",
		`aigen_deliveries_total{kind="deduct",lane="credits",outcome="dead"}`:                "0",
		`aigen_delivery_age_seconds_count{lane="jobs"}`:                                      "1",
		`aigen_credit_operations_total{op="reserve",outcome="ok"}`:                           "1",
		`aigen_credit_operation_duration_seconds_count{op="reserve"}`:                        "1",
		`aigen_event_streams`: "1",
	} {
		require.Equal(t, want, s[series], series)
	}
	require.NotContains(t, s, `aigen_generation_transitions_total{from="new",to="Completed"}`)
	require.NotContains(t, s, `aigen_stage_duration_seconds_count{stage="ProcessingFinal"}`)
	require.NotContains(t, s, `aigen_stage_duration_seconds_count{stage="new"}`)
	require.Contains(t, s, "go_goroutines")
	require.Contains(t, s, "process_start_time_seconds")
	build := 0
	for series := range s {
		if strings.HasPrefix(series, "aigen_build_info{") {
			build++
			require.Contains(t, series, `version="v1.2.3"`)
			require.Contains(t, series, `go="go1.`)
		}
	}
	require.Equal(t, 1, build)
}

func TestLabelsAreBounded(t *testing.T) {
	t.Parallel()
	m := setup(nothing)
	m.Request("", "BREW", 999, -time.Second)
	m.Request("GET /openapi.json", http.MethodGet, http.StatusOK, 0)
	m.Request("unmatched", http.MethodGet, http.StatusNotFound, 0)
	m.Request("/"+strings.Repeat("x", 500), http.MethodGet, http.StatusNotFound, 0)
	for i := range 1000 {
		odd := fmt.Sprint("odd ", i)
		m.Request(fmt.Sprint("/path/", i), http.MethodGet, http.StatusOK, 0)
		m.Transition(aigen.Status(odd), aigen.Status(odd+"!"), time.Second)
		m.Callback(odd)
		m.Delivery(outbox.Queue(odd), outbox.DeliveryKind(odd), odd, time.Second)
		m.CreditOperation(odd, odd, time.Second)
	}
	s := scrape(t, m)
	require.Less(t, len(s), 3000)
	for series := range s {
		require.NotContains(t, series, "odd")
	}
	for series, want := range map[string]string{
		`aigen_http_requests_total{method="other",route="other",status="other"}`:     "1",
		`aigen_http_request_duration_seconds_sum{method="other",route="other"}`:      "0",
		`aigen_http_requests_total{method="GET",route="other",status="404"}`:         "2",
		`aigen_http_requests_total{method="GET",route="/openapi.json",status="200"}`: "1",
		`aigen_http_requests_total{method="GET",route="/path/0",status="200"}`:       "1",
		`aigen_http_requests_total{method="GET",route="other",status="200"}`:         "901",
		`aigen_generation_transitions_total{from="other",to="other"}`:                "1000",
		`aigen_deliveries_total{kind="other",lane="other",outcome="other"}`:          "1000",
		`aigen_credit_operations_total{op="other",outcome="other"}`:                  "1000",
		`aigen_callbacks_total{outcome="other"}`:                                     "1000",
	} {
		require.Equal(t, want, s[series], series)
	}
}
