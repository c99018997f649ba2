package source

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestSecurityNamesTestsThatExist: docs/security.md says by which test each line is
// shown. A test that was renamed or removed takes its line along.
func TestSecurityNamesTestsThatExist(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/security.md")
	require.NoError(t, err)
	source := testFiles(t)
	named := regexp.MustCompile(`\b(?:Test|Fuzz)[A-Z]\w+`).FindAllString(string(text), -1)
	assert.Greater(t, len(named), 50)
	for _, name := range named {
		assert.Contains(t, source.functions, name)
	}
	for _, file := range regexp.MustCompile(`\b\w+_test\.go`).FindAllString(string(text), -1) {
		assert.Contains(t, source.names, file)
	}
	rows := 0
	for line := range strings.Lines(string(text)) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		if len(cells) == 3 && strings.HasPrefix(line, "|") && strings.Contains(string(text), "| Threat |") && strings.Contains(cells[2], "`") {
			rows++
		}
	}
	assert.GreaterOrEqual(t, rows, 30, "threats with a test")
}

type tests struct{ functions, names map[string]bool }

func testFiles(t *testing.T) tests {
	t.Helper()
	found := tests{map[string]bool{}, map[string]bool{}}
	function := regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)\w+)\(`)
	for _, dir := range []string{"../..", "../../internal", "../../cmd", "../../test"} {
		pattern := "*_test.go"
		var paths []string
		for range 4 {
			more, err := filepath.Glob(filepath.Join(dir, pattern))
			require.NoError(t, err)
			paths = append(paths, more...)
			pattern = "*/" + pattern
		}
		for _, path := range paths {
			src, err := os.ReadFile(path)
			require.NoError(t, err)
			found.names[filepath.Base(path)] = true
			for _, m := range function.FindAllStringSubmatch(string(src), -1) {
				found.functions[m[1]] = true
			}
		}
	}
	return found
}
