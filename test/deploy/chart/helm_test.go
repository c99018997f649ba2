package chart

import (
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

const folder = "../../../deploy/helm/aigen"

// template is `helm template` with these arguments, for a Kubernetes of today.
func template(t *testing.T, args ...string) (stdout []byte, stderr string, err error) {
	t.Helper()
	helm := os.Getenv("AIGEN_HELM")
	if helm == "" {
		t.Skip("AIGEN_HELM names no helm: run `make check-deploy`")
	}
	args = append([]string{"template", "aigen", folder, "--namespace", "prod", "--kube-version", "1.35.0"}, args...)
	cmd := exec.Command(helm, args...)
	var complaint bytes.Buffer
	cmd.Stderr = &complaint
	out, err := cmd.Output()
	return out, complaint.String(), err
}

// manifest is one Kubernetes object, as far as the tests look at it.
type manifest struct {
	Kind     string
	Metadata struct {
		Name                string
		Labels, Annotations map[string]string
	}
	Data       map[string]string
	StringData map[string]string `yaml:"stringData"`
	Spec       struct {
		Replicas    int
		MinReplicas int `yaml:"minReplicas"`
		Selector    any // of a Service: labels
		Groups      any // of a PrometheusRule
		Rules       []struct {
			Host string
			HTTP struct{ Paths []struct{ Path string } }
		}
		Strategy struct{ Type string }
		Template struct {
			Metadata struct{ Labels map[string]string }
			Spec     pod
		}
	}
}

type pod struct {
	Grace           int  `yaml:"terminationGracePeriodSeconds"`
	Token           bool `yaml:"automountServiceAccountToken"`
	SecurityContext struct {
		NonRoot bool `yaml:"runAsNonRoot"`
		User    int  `yaml:"runAsUser"`
	} `yaml:"securityContext"`
	Containers []struct {
		Image           string
		Env             []struct{ Name, Value string }
		Startup         probe `yaml:"startupProbe"`
		Liveness        probe `yaml:"livenessProbe"`
		Readiness       probe `yaml:"readinessProbe"`
		SecurityContext struct {
			ReadOnly   bool `yaml:"readOnlyRootFilesystem"`
			Escalation bool `yaml:"allowPrivilegeEscalation"`
		} `yaml:"securityContext"`
		Lifecycle struct {
			PreStop struct{ Sleep struct{ Seconds int } } `yaml:"preStop"`
		}
		Mounts []struct {
			Name string
			Path string `yaml:"mountPath"`
		} `yaml:"volumeMounts"`
	}
	Volumes []struct {
		Name      string
		ConfigMap struct{ Name string } `yaml:"configMap"`
		Claim     struct {
			Name string `yaml:"claimName"`
		} `yaml:"persistentVolumeClaim"`
	}
}

type probe struct {
	Get struct{ Path string } `yaml:"httpGet"`
}

// render returns what would be installed, by kind and name.
func render(t *testing.T, args ...string) map[string]manifest {
	t.Helper()
	out, complaint, err := template(t, args...)
	require.NoError(t, err, complaint)
	found := map[string]manifest{}
	for d := yaml.NewDecoder(bytes.NewReader(out)); ; {
		var m manifest
		err := d.Decode(&m)
		if errors.Is(err, io.EOF) {
			require.NotEmpty(t, found)
			return found
		}
		require.NoError(t, err)
		if m.Kind != "" {
			found[m.Kind+"/"+m.Metadata.Name] = m
		}
	}
}

func values(name string) []string {
	return []string{"--values", folder + "/ci/" + name + "-values.yaml"}
}
