package chart

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/creativeflow/aigen/internal/config"
)

// What is in the Secret that production-values.yaml names.
var production = map[string]string{
	"DATABASE_URL": "postgres://aigen:secret@postgres:5432/aigen?sslmode=verify-full", "RABBITMQ_URL": "amqps://aigen:secret@rabbitmq:5671/",
	"REDIS_URL": "rediss://:secret@redis:6379/0", "N8N_CALLBACK_SECRET": "a secret of the chart's tests", "ODOO_API_KEY": "a key of the chart's tests",
}

// load reads settings as the container would: the ConfigMap is its environment, and
// each secret a file.
func load(t *testing.T, all map[string]manifest, secrets map[string]string) config.Config {
	t.Helper()
	environ := []string{}
	for name, value := range all["ConfigMap/aigen"].Data {
		environ = append(environ, name+"="+value)
	}
	files := 0
	for _, e := range all["Deployment/aigen"].Spec.Template.Spec.Containers[0].Env {
		environ = append(environ, e.Name+"="+e.Value)
		if strings.HasSuffix(e.Name, "_FILE") {
			files++
		}
	}
	require.Len(t, secrets, files)
	c, err := config.Load(config.Options{Environ: environ, ReadFile: func(path string) ([]byte, error) {
		name, ok := strings.CutPrefix(path, "/etc/aigen/secrets/")
		if value := secrets[name]; ok && value != "" {
			return []byte(value), nil
		}
		return nil, os.ErrNotExist
	}})
	require.NoError(t, err)
	require.Empty(t, c.Warnings)
	return c
}

func TestEmbedded(t *testing.T) {
	t.Parallel()
	all := render(t, values("embedded")...)
	c := load(t, all, all["Secret/aigen"].StringData)
	require.True(t, c.DatabaseIsSQLite())
	require.Equal(t, "http://aigen.example.com", c.CallbackBaseURL(""), "where users reach the pictures")

	d := all["Deployment/aigen"].Spec
	require.Equal(t, 1, d.Replicas)
	require.Equal(t, "Recreate", d.Strategy.Type, "two processes must not want one file")
	require.Equal(t, "aigen", d.Template.Spec.Volumes[0].Claim.Name)
	require.Equal(t, "keep", all["PersistentVolumeClaim/aigen"].Metadata.Annotations["helm.sh/resource-policy"])
	require.NotContains(t, all, "PodDisruptionBudget/aigen")
}

func TestProduction(t *testing.T) {
	t.Parallel()
	all := render(t, values("production")...)
	c := load(t, all, production)
	require.False(t, c.DatabaseIsSQLite())
	require.Equal(t, "http://aigen.prod.svc", c.CallbackBaseURL(""), "where n8n reaches the service")

	d := all["Deployment/aigen"].Spec
	require.Equal(t, "RollingUpdate", d.Strategy.Type)
	require.Zero(t, d.Replicas, "the autoscaler's business")
	require.Equal(t, 3, all["HorizontalPodAutoscaler/aigen"].Spec.MinReplicas)
	require.Empty(t, d.Template.Spec.Volumes[0].Claim.Name)
	require.NotContains(t, all, "PersistentVolumeClaim/aigen")
	require.NotContains(t, all, "Secret/aigen")
	for _, kind := range []string{"PodDisruptionBudget", "NetworkPolicy", "ServiceMonitor", "Ingress"} {
		require.Contains(t, all, kind+"/aigen")
	}

	var alerts struct{ Groups any }
	data, err := os.ReadFile("../../../deploy/prometheus/alerts.yaml")
	require.NoError(t, err)
	require.NoError(t, yaml.Unmarshal(data, &alerts))
	require.Equal(t, alerts.Groups, all["PrometheusRule/aigen"].Spec.Groups)
	require.True(t, json.Valid([]byte(all["ConfigMap/aigen-dashboard"].Data["aigen.json"])))
}

func TestPods(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"embedded", "production"} {
		all := render(t, values(name)...)
		pod := all["Deployment/aigen"].Spec.Template.Spec
		require.True(t, pod.SecurityContext.NonRoot)
		require.Equal(t, 65532, pod.SecurityContext.User, "the image's")
		require.False(t, pod.Token)
		c := pod.Containers[0]
		require.True(t, c.SecurityContext.ReadOnly)
		require.False(t, c.SecurityContext.Escalation)
		require.Equal(t, "/healthz", c.Startup.Get.Path)
		require.Equal(t, "/healthz", c.Liveness.Get.Path)
		require.Equal(t, "/readyz", c.Readiness.Get.Path)

		timeout := load(t, all, map[string]map[string]string{"embedded": all["Secret/aigen"].StringData, "production": production}[name]).Server.ShutdownTimeout
		require.Greater(t, pod.Grace, c.Lifecycle.PreStop.Sleep.Seconds+2*int(timeout.Seconds()), "else the stop is cut off")

		service, _ := all["Service/aigen"].Spec.Selector.(map[string]any)
		require.NotEmpty(t, service)
		test, other := all["Pod/aigen-test"].Metadata.Labels, false
		for label, value := range service {
			require.Equal(t, value, all["Deployment/aigen"].Spec.Template.Metadata.Labels[label])
			other = other || test[label] != value
		}
		require.True(t, other, "the pod of `helm test` gets no requests")
	}
}

// A CA of one's own: as a file of a ConfigMap, or in the values.
func TestOwnCA(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"embedded", "production"} {
		all := render(t, append(values(name),
			"--set", "extraVolumes[0].name=ca,extraVolumes[0].configMap.name=our-ca", "--set", "extraVolumeMounts[0].name=ca,extraVolumeMounts[0].mountPath=/etc/aigen/ca",
			"--set", "extraEnv[0].name=CA_CERTIFICATES_FILE,extraEnv[0].value=/etc/aigen/ca/ca.crt")...)
		pod := all["Deployment/aigen"].Spec.Template.Spec
		volumes, mounts := pod.Volumes, pod.Containers[0].Mounts
		require.Equal(t, "our-ca", volumes[len(volumes)-1].ConfigMap.Name)
		require.Equal(t, "/etc/aigen/ca", mounts[len(mounts)-1].Path)
		require.Equal(t, "secrets", mounts[len(mounts)-2].Name, "the chart's own are there as well")
		env := pod.Containers[0].Env
		require.Equal(t, "/etc/aigen/ca/ca.crt", env[len(env)-1].Value)
	}
	all := render(t, append(values("embedded"), "--set-string", "config.CA_CERTIFICATES=PEM")...)
	require.Equal(t, "PEM", all["ConfigMap/aigen"].Data["CA_CERTIFICATES"])
}

// Everything that users call is behind the ingress, and what is for operators is not.
func TestIngress(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("../../../api/openapi.json")
	require.NoError(t, err)
	var document struct{ Paths map[string]any }
	require.NoError(t, json.Unmarshal(data, &document))
	require.NotEmpty(t, document.Paths)

	rules := render(t, values("production")...)["Ingress/aigen"].Spec.Rules
	require.Len(t, rules, 1)
	inside := map[string]bool{"/healthz": true, "/readyz": true, "/metrics": true}
	for path := range document.Paths {
		reached := false
		for _, p := range rules[0].HTTP.Paths {
			reached = reached || path == p.Path || strings.HasPrefix(path, p.Path+"/")
		}
		require.NotEqual(t, inside[path], reached, path)
	}
}

// Values that cannot work are refused before anything is installed, and the message
// says what to change.
func TestRefusals(t *testing.T) {
	t.Parallel()
	secrets := func(more ...string) []string {
		return append([]string{"--set", "secrets.values.JWT_SECRET=x", "--set", "secrets.values.N8N_CALLBACK_SECRET=x"}, more...)
	}
	postgres := "secrets.values.DATABASE_URL=postgres://x"
	for name, c := range map[string]struct {
		args []string
		says string
	}{
		"nothing":                 {nil, "N8N_CALLBACK_SECRET is not given"},
		"no tokens":               {[]string{"--set", "secrets.values.N8N_CALLBACK_SECRET=x"}, "exactly one of JWT_SECRET"},
		"two kinds of tokens":     {secrets("--set", "config.JWT_JWKS_URL=x"), "exactly one of JWT_SECRET"},
		"two replicas of SQLite":  {secrets("--set", "replicaCount=2"), "needs PostgreSQL"},
		"autoscaling of SQLite":   {secrets("--set", "autoscaling.enabled=true"), "needs PostgreSQL"},
		"two replicas, own files": {secrets("--set", postgres, "--set", "replicaCount=2"), "needs an engine outside"},
		"two replicas, no volume": {
			secrets("--set", postgres, "--set", "replicaCount=2,persistence.accessMode=ReadWriteMany,persistence.enabled=false"), "persistence.enabled",
		},
		"an unknown setting":   {secrets("--set", "config.LOG_LEVL=debug"), "LOG_LEVL"},
		"a secret for all":     {secrets("--set", "config.ODOO_API_KEY=x"), "ODOO_API_KEY"},
		"a setting of ours":    {secrets("--set", "config.LISTEN_ADDR=x"), "LISTEN_ADDR"},
		"an unknown value":     {secrets("--set", "replicas=2"), "replicas"},
		"keys without Secret":  {[]string{"--set", "secrets.keys={JWT_SECRET}"}, "secrets.existingSecret"},
		"Secret without keys":  {[]string{"--set", "secrets.existingSecret=x"}, "secrets.keys is empty"},
		"two Secrets":          {secrets("--set", "secrets.existingSecret=x"), "keep one of them"},
		"ingress without host": {secrets("--set", "ingress.enabled=true"), "ingress.hosts is empty"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, complaint, err := template(t, c.args...)
			require.Error(t, err)
			require.Contains(t, complaint, c.says)
		})
	}
	for name, args := range map[string][]string{
		"one replica":                 secrets(),
		"two replicas":                secrets("--set", postgres, "--set", "replicaCount=2,secrets.values.RABBITMQ_URL=amqp://x"),
		"two replicas, shared volume": secrets("--set", postgres, "--set", "replicaCount=2,persistence.accessMode=ReadWriteMany"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, complaint, err := template(t, args...)
			require.NoError(t, err, complaint)
		})
	}
}
