package deploy

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

const (
	root       = "../../"
	alertsFile = root + "deploy/prometheus/alerts.yaml"
	operations = root + "docs/operations.md"
)

// alert is one rule of alerts.yaml.
type alert struct {
	Alert, Expr, For    string
	Labels, Annotations map[string]string
}

// read returns a file of the repository.
func read(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	return data
}

// readYAML reads a file into v; a field that v does not have is an error.
func readYAML(t *testing.T, path string, v any) {
	t.Helper()
	f, err := os.Open(path)
	require.NoError(t, err)
	defer f.Close()
	d := yaml.NewDecoder(f)
	d.KnownFields(true)
	require.NoError(t, d.Decode(v), path)
}

func readAlerts(t *testing.T) (alerts []alert) {
	t.Helper()
	var file struct {
		Groups []struct {
			Name  string
			Rules []alert
		}
	}
	readYAML(t, alertsFile, &file)
	for _, g := range file.Groups {
		alerts = append(alerts, g.Rules...)
	}
	require.NotEmpty(t, alerts)
	return alerts
}

func TestAlertsAskForWhatIsThere(t *testing.T) {
	t.Parallel()
	series := scrape(t)
	for _, a := range readAlerts(t) {
		require.NoError(t, checkQuery(a.Expr, series), a.Alert)
		require.Contains(t, []string{"critical", "warning"}, a.Labels["severity"], a.Alert)
		require.NotEmpty(t, a.Annotations["summary"], a.Alert)
		require.NotEmpty(t, a.Annotations["description"], a.Alert)
	}
}

var heading = regexp.MustCompile(`(?m)^#+ +(.+?) *$`)

// anchors of a Markdown page, as GitHub makes them.
func anchors(markdown string) (names []string) {
	unwanted := regexp.MustCompile(`[^\p{L}\p{N}\-_ ]`)
	for _, h := range heading.FindAllStringSubmatch(markdown, -1) {
		name := unwanted.ReplaceAllString(strings.ToLower(h[1]), "")
		names = append(names, strings.ReplaceAll(name, " ", "-"))
	}
	return names
}

// Somebody who is woken up by an alert finds what to do; and nothing is explained
// that can no longer happen.
func TestEveryAlertHasItsRunbook(t *testing.T) {
	t.Parallel()
	page := string(read(t, operations))
	var known []string
	for _, a := range readAlerts(t) {
		known = append(known, a.Alert)
		url, anchor, _ := strings.Cut(a.Annotations["runbook_url"], "#")
		require.True(t, strings.HasSuffix(url, "/docs/operations.md"), a.Alert)
		require.Equal(t, strings.ToLower(a.Alert), anchor)
		require.Contains(t, anchors(page), anchor, "docs/operations.md has no heading for it")
	}
	for _, h := range heading.FindAllStringSubmatch(page, -1) {
		if strings.HasPrefix(h[1], "Aigen") {
			require.Contains(t, known, h[1], "docs/operations.md explains an alert that is none")
		}
	}
}

// alertTests is alerts.test.yaml as promtool reads it, as far as it is of interest.
type alertTests struct {
	RuleFiles          []string `yaml:"rule_files"`
	EvaluationInterval string   `yaml:"evaluation_interval"`
	Tests              []struct {
		Name, Interval string
		InputSeries    []struct{ Series, Values string } `yaml:"input_series"`
		Expressions    []struct {
			Expr    string
			At      string `yaml:"eval_time"`
			Samples []struct {
				Labels string
				Value  float64
			} `yaml:"exp_samples"`
		} `yaml:"promql_expr_test"`
	}
}

// What promtool tries is every alert, on series that the service really has.
func TestEveryAlertIsTried(t *testing.T) {
	t.Parallel()
	var file alertTests
	readYAML(t, "alerts.test.yaml", &file)
	series, fires := scrape(t), ""
	for _, test := range file.Tests {
		for _, in := range test.InputSeries {
			if strings.HasPrefix(in.Series, "aigen_") {
				q, err := parse(strings.NewReplacer(`.0"`, `"`).Replace(in.Series))
				require.NoError(t, err)
				require.True(t, isExported(q.selectors[0], series), "%s: the service has no series %s", test.Name, in.Series)
			}
		}
		for _, e := range test.Expressions {
			require.Contains(t, e.Expr, `ALERTS{alertstate="firing"}`, test.Name)
			for _, sample := range e.Samples {
				fires += sample.Labels + "\n"
			}
		}
	}
	for _, a := range readAlerts(t) {
		require.Contains(t, fires, `alertname="`+a.Alert+`"`, "no test in alerts.test.yaml lets it fire")
	}
}

func isExported(s selector, series []selector) bool {
	ignored := append([]string{"version", "go"}, targetLabels...)
	return slices.ContainsFunc(series, func(have selector) bool { return s.selects(have, ignored) })
}
