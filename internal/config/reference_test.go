package config_test

import (
	"os"
	"regexp"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen/internal/config"
)

func TestReferenceIsUpToDate(t *testing.T) {
	t.Parallel()
	onDisk, err := os.ReadFile("../../docs/configuration.md")
	require.NoError(t, err)
	assert.Equal(t, config.Reference(), string(onDisk), "run go generate ./internal/config")
}

func TestSettingsAreComplete(t *testing.T) {
	t.Parallel()
	name := regexp.MustCompile(`^[A-Z][A-Z0-9_]{7,}$`)
	seen := map[string]bool{}
	for _, s := range (config.Config{}).Settings() {
		assert.Regexp(t, name, s.Name)
		assert.NotRegexp(t, `_FILE$`, s.Name, "would be taken for the file of another setting")
		assert.False(t, seen[s.Name], "%s is there twice", s.Name)
		assert.NotEmpty(t, s.Doc, s.Name)
		assert.NotEmpty(t, s.Group, s.Name)
		seen[s.Name] = true
	}
	assert.Len(t, seen, len(badValues))
}
