package deploy

import (
	"encoding/json"
	"maps"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen/internal/config"
)

const chart = root + "deploy/helm/aigen/"

// A chart cannot reach beyond its folder, so that it has copies.
func TestChartCarriesTheAlertsAndTheDashboard(t *testing.T) {
	t.Parallel()
	require.Equal(t, string(read(t, alertsFile)), string(read(t, chart+"files/alerts.yaml")), "run: make chart-files")
	require.Equal(t, string(read(t, dashboardFile)), string(read(t, chart+"files/dashboard.json")), "run: make chart-files")
}

// schema is the part of a JSON schema that is of interest.
type schema struct {
	Properties map[string]schema
	Items      struct{ Enum []string }
}

// The schema knows every setting by its name, so that a misspelt one is an error and
// not without effect; and it keeps secrets out of the ConfigMap.
func TestChartTakesEverySetting(t *testing.T) {
	t.Parallel()
	c, err := config.Load(config.Options{Environ: []string{}, DotEnvPath: t.TempDir() + "/.env"})
	require.NoError(t, err)
	byChart := []string{"LISTEN_ADDR", "DATA_DIR", "SHUTDOWN_TIMEOUT"}
	// URLs that hardly ever come without a password.
	secret := []string{"DATABASE_URL", "RABBITMQ_URL", "REDIS_URL"}
	var plain, all []string
	for _, s := range c.Settings() {
		if slices.Contains(byChart, s.Name) {
			continue
		}
		all = append(all, s.Name)
		if !s.Secret && !slices.Contains(secret, s.Name) {
			plain = append(plain, s.Name)
		}
	}
	var values schema
	require.NoError(t, json.Unmarshal(read(t, chart+"values.schema.json"), &values))
	secrets := values.Properties["secrets"].Properties
	require.ElementsMatch(t, plain, slices.Collect(maps.Keys(values.Properties["config"].Properties)), "config in values.schema.json: run make chart-files")
	require.ElementsMatch(t, all, secrets["keys"].Items.Enum, "secrets.keys in values.schema.json: run make chart-files")
	require.ElementsMatch(t, all, slices.Collect(maps.Keys(secrets["values"].Properties)), "secrets.values in values.schema.json: run make chart-files")
}

func TestChartsSchemaKnowsEveryValue(t *testing.T) {
	t.Parallel()
	var values map[string]any
	readYAML(t, chart+"values.yaml", &values)
	var known schema
	require.NoError(t, json.Unmarshal(read(t, chart+"values.schema.json"), &known))
	for name := range values {
		require.Contains(t, known.Properties, name)
	}
	for name := range known.Properties {
		if name != "global" { // Helm's own
			require.Contains(t, values, name, "values.yaml does not say of it")
		}
	}
}
