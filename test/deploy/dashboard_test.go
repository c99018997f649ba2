package deploy

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const dashboardFile = root + "deploy/grafana/aigen.json"

type dashboard struct {
	UID, Title string
	Templating struct {
		List []struct {
			Name, Type, Definition string
		}
	}
	Panels []panel
}

type panel struct {
	ID          int
	Type, Title string
	GridPos     struct{ H, W, X, Y int }
	Datasource  struct{ UID string }
	Targets     []struct{ RefID, Expr, LegendFormat string }
}

func readDashboard(t *testing.T) (d dashboard) {
	t.Helper()
	require.NoError(t, json.Unmarshal(read(t, dashboardFile), &d))
	require.NotEmpty(t, d.Panels)
	return d
}

// fill replaces Grafana's variables as Grafana does before it asks Prometheus.
func fill(expr string) string {
	return strings.NewReplacer("$__rate_interval", "5m", "$job", ".*").Replace(expr)
}

var variable = regexp.MustCompile(`\$\{?(\w+)`)

func TestDashboardAsksForWhatIsThere(t *testing.T) {
	t.Parallel()
	d, series := readDashboard(t), scrape(t)
	variables := map[string]bool{"__rate_interval": true}
	for _, v := range d.Templating.List {
		variables[v.Name] = true
		if v.Type == "query" {
			require.NoError(t, checkQuery(strings.TrimSuffix(strings.TrimPrefix(v.Definition, "label_values("), ", job)"), series))
		}
	}
	for _, p := range d.Panels {
		if p.Type == "row" {
			continue
		}
		require.NotEmpty(t, p.Targets, p.Title)
		require.Equal(t, "${datasource}", p.Datasource.UID, "%s: any Prometheus, not that of who made the panel", p.Title)
		for _, target := range p.Targets {
			require.NoError(t, checkQuery(fill(target.Expr), series), p.Title)
			require.Contains(t, target.Expr, `job=~"$job"`, "%s: of the jobs that are chosen", p.Title)
			for _, v := range variable.FindAllStringSubmatch(target.Expr, -1) {
				require.True(t, variables[v[1]], "%s: there is no variable %s", p.Title, v[0])
			}
		}
	}
}

// Every metric of ours is to be seen somewhere.
func TestDashboardShowsEveryMetric(t *testing.T) {
	t.Parallel()
	shown := string(read(t, dashboardFile))
	for _, s := range scrape(t) {
		name := s.name
		for _, part := range []string{"_bucket", "_sum", "_count"} {
			name = strings.TrimSuffix(name, part)
		}
		if strings.HasPrefix(name, "aigen_") {
			require.Contains(t, shown, name)
		}
	}
}

func TestDashboardPanelsDoNotOverlap(t *testing.T) {
	t.Parallel()
	taken, ids := map[[2]int]string{}, map[int]bool{}
	for _, p := range readDashboard(t).Panels {
		require.False(t, ids[p.ID], "two panels with the id %d", p.ID)
		ids[p.ID] = true
		require.LessOrEqual(t, p.GridPos.X+p.GridPos.W, 24, p.Title)
		for x := range p.GridPos.W {
			for y := range p.GridPos.H {
				at := [2]int{p.GridPos.X + x, p.GridPos.Y + y}
				require.Empty(t, taken[at], "%s lies over another panel", p.Title)
				taken[at] = p.Title
			}
		}
	}
}
