package licenses_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen/internal/licenses"
)

// Each module that is linked in is named, with its version: after a change of go.mod
// `make licenses` is due.
func TestComplete(t *testing.T) {
	t.Parallel()
	const program = "github.com/creativeflow/aigen/cmd/aigen"
	list := exec.CommandContext(t.Context(), "go", "list", "-deps", "-f",
		`{{with .Module}}{{if not .Main}}{{.Path}} {{.Version}}{{end}}{{end}}`, program)
	list.Env = append(os.Environ(), "GOOS=linux", "GOARCH=amd64", "CGO_ENABLED=0")
	out, err := list.Output()
	require.NoError(t, err)
	modules := strings.Fields(strings.ReplaceAll(string(out), " ", "@"))
	require.NotEmpty(t, modules)
	for _, m := range modules {
		name := strings.Replace(m, "@", " ", 1)
		require.Contains(t, licenses.ThirdParty, "\n"+name+" (", "run `make licenses`")
	}
	// A notice wants to be passed on, and so do the licences of what pages load.
	require.Regexp(t, `\ngithub\.com/prometheus/client_golang v\S+ \(NOTICE\)\n`, licenses.ThirdParty)
	for _, words := range []string{"Go's standard library (LICENSE)", "htmx 2.", "idiomorph 0.", "SIL Open Font License"} {
		require.Contains(t, strings.ToLower(licenses.ThirdParty), strings.ToLower(words))
	}
}
