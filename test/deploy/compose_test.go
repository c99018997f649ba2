package deploy

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/creativeflow/aigen/internal/config"
)

type compose struct {
	Services map[string]service
	Volumes  map[string]any
	Networks map[string]any
}

type service struct {
	Image, Restart, User string
	Environment          map[string]string
	Ports, Volumes       []string
	DependsOn            map[string]struct{ Condition string } `yaml:"depends_on"`
	Healthcheck          struct{ Test []string }
	ReadOnly             bool `yaml:"read_only"`
	Deploy               struct {
		Resources struct{ Limits struct{ CPUs, Memory string } }
	}
}

// variableUse is ${NAME}, ${NAME:-default} or ${NAME:?message}.
var variableUse = regexp.MustCompile(`\$\{(\w+)(?::([-?])([^}]*))?\}`)

// interpolate replaces variables as Compose does; what must be set and is not fails.
func interpolate(t *testing.T, text string, values map[string]string) string {
	t.Helper()
	return variableUse.ReplaceAllStringFunc(text, func(use string) string {
		part := variableUse.FindStringSubmatch(use)
		if v := values[part[1]]; v != "" || part[2] == "" {
			return v
		}
		require.NotEqual(t, "?", part[2], "%s must be set", part[1])
		return part[3]
	})
}

// example are the lines NAME=value and #NAME=value of .env.example.
func example(t *testing.T) (required, optional []string) {
	t.Helper()
	for line := range strings.Lines(string(read(t, root+".env.example"))) {
		name, value, ok := strings.Cut(strings.TrimSpace(line), "=")
		switch {
		case !ok || strings.Contains(name, " "):
		case strings.HasPrefix(name, "#"):
			optional = append(optional, name[1:])
		default:
			require.Empty(t, value, "%s: an example must not hold a secret that somebody keeps", name)
			required = append(required, name)
		}
	}
	return required, optional
}

// filled is what somebody writes into .env who fills in what .env.example leaves open.
func filled(t *testing.T) map[string]string {
	t.Helper()
	values := map[string]string{}
	required, _ := example(t)
	for _, name := range required {
		values[name] = strings.Repeat("0123456789abcdef", 4)
	}
	return values
}

func readCompose(t *testing.T) (c compose) {
	t.Helper()
	text := interpolate(t, string(read(t, root+"compose.yaml")), filled(t))
	require.NoError(t, yaml.Unmarshal([]byte(text), &c))
	return c
}

func TestComposeGivesTheServiceSettingsThatItTakes(t *testing.T) {
	t.Parallel()
	var environ []string
	for name, value := range readCompose(t).Services["aigen"].Environment {
		environ = append(environ, name+"="+value)
	}
	// What the image sets.
	environ = append(environ, "DATA_DIR=/data")
	c, err := config.Load(config.Options{Environ: environ, DotEnvPath: t.TempDir() + "/.env"})
	require.NoError(t, err)
	require.Empty(t, c.Warnings)
	require.False(t, c.DatabaseIsSQLite())
	require.True(t, c.UsesRabbitMQ())
	require.False(t, c.UsesMemory())

	known := map[string]bool{}
	for _, s := range c.Settings() {
		known[s.Name] = true
	}
	for name := range readCompose(t).Services["aigen"].Environment {
		require.True(t, known[name], "the service has no setting %s", name)
	}
}

func TestComposeStartsInOrder(t *testing.T) {
	t.Parallel()
	c := readCompose(t)
	require.ElementsMatch(t, []string{"postgres", "rabbitmq", "redis", "aigen", "n8n"}, slices.Collect(maps.Keys(c.Services)))
	after := map[string][]string{"aigen": {"postgres", "rabbitmq", "redis"}, "n8n": {"aigen", "rabbitmq"}}
	for name, s := range c.Services {
		require.ElementsMatch(t, after[name], slices.Collect(maps.Keys(s.DependsOn)), name)
		for on, d := range s.DependsOn {
			require.Equal(t, "service_healthy", d.Condition, "%s after %s", name, on)
		}
		if name != "aigen" { // its image has one
			require.NotEmpty(t, s.Healthcheck.Test, name)
		}
	}
}

func TestComposeIsFitForUse(t *testing.T) {
	t.Parallel()
	c := readCompose(t)
	for name, s := range c.Services {
		require.Equal(t, "unless-stopped", s.Restart, name)
		require.NotEmpty(t, s.Deploy.Resources.Limits.Memory, name)
		require.NotEmpty(t, s.Deploy.Resources.Limits.CPUs, name)
		if name != "aigen" { // its tag is the version that is built
			require.Regexp(t, `:\d+\.\d+\.?\d*`, s.Image, "%s: a tag that does not move", name)
		}
		for _, port := range s.Ports {
			require.True(t, strings.HasPrefix(port, "127.0.0.1:"), "%s: %s", name, port)
		}
		for _, v := range s.Volumes {
			volume, _, _ := strings.Cut(v, ":")
			require.Contains(t, c.Volumes, volume, name)
		}
	}
	require.True(t, c.Services["aigen"].ReadOnly)
	n8n := c.Services["n8n"].Environment
	require.Equal(t, "false", n8n["N8N_USE_WORKFLOW_PUBLICATION_SERVICE"], "else a trigger dies with a broker that is away")
	for _, name := range []string{"N8N_ENCRYPTION_KEY", "N8N_WEBHOOK_URL", "N8N_CONCURRENCY_PRODUCTION_LIMIT"} {
		require.NotEmpty(t, n8n[name], "integrations/n8n/README.md says why")
	}
	require.Contains(t, c.Services["n8n"].Volumes, "pictures:"+n8n["N8N_RESTRICT_FILE_ACCESS_TO"], "the workflows write there")
}

func TestEnvExampleIsWhatComposeReads(t *testing.T) {
	t.Parallel()
	required, optional := example(t)
	var used, must []string
	for _, use := range variableUse.FindAllStringSubmatch(string(read(t, root+"compose.yaml")), -1) {
		used = append(used, use[1])
		if use[2] == "?" {
			must = append(must, use[1])
		}
	}
	for _, name := range must {
		require.Contains(t, required, name)
	}
	for _, name := range append(required, optional...) {
		require.Contains(t, used, name, "compose.yaml does not read what .env.example names")
	}
	for _, name := range used {
		require.Contains(t, append(required, optional...), name, ".env.example does not say of what compose.yaml reads")
	}
}
