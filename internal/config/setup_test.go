package config_test

import (
	"io/fs"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen/internal/config"
)

const (
	longSecret  = "Kq7-long-enough-secret-of-tokens-0123456789"
	otherSecret = "Zw9-another-secret-of-callbacks"
)

// files is a file system for Options.ReadFile.
type files map[string]string

func (f files) read(path string) ([]byte, error) {
	text, ok := f[path]
	if !ok {
		return nil, &fs.PathError{Op: "open", Path: path, Err: fs.ErrNotExist}
	}
	return []byte(text), nil
}

// load reads settings from environ and files alone.
func load(f files, environ ...string) (config.Config, error) {
	return config.Load(config.Options{Environ: append([]string{}, environ...), ReadFile: f.read})
}

func mustLoad(t *testing.T, f files, environ ...string) config.Config {
	t.Helper()
	c, err := load(f, environ...)
	require.NoError(t, err)
	return c
}

func faultsOf(t *testing.T, err error) []config.Fault {
	t.Helper()
	var e *config.Error
	require.ErrorAs(t, err, &e)
	return e.Faults
}

func settingOf(t *testing.T, c config.Config, name string) config.Setting {
	t.Helper()
	for _, s := range c.Settings() {
		if s.Name == name {
			return s
		}
	}
	require.Fail(t, "no setting "+name)
	return config.Setting{}
}
