package config

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// maxTypo is the greatest edit distance at which a name counts as misspelt. The
// shortest setting has eight letters, so two are a quarter at most.
const maxTypo = 2

// checkTypos warns of names in the .env file that are no setting but nearly one.
// The environment is not searched: it is full of other programs' names.
func (l *loader) checkTypos(c *Config, dotenv map[string]string) {
	fields := fieldsOf(c)
	known := make([]string, 0, 2*len(fields))
	for _, f := range fields {
		known = append(known, f.name, f.name+fileSuffix)
	}
	for _, name := range slices.Sorted(maps.Keys(dotenv)) {
		if slices.Contains(known, name) {
			continue
		}
		if nearest, ok := nearestName(name, known); ok {
			l.warnings = append(l.warnings, Warning{
				Setting: name,
				Source:  l.options.DotEnvPath,
				Problem: fmt.Sprintf("is not a setting and has no effect: did you mean %s?", nearest),
			})
		}
	}
}

func nearestName(name string, known []string) (string, bool) {
	best, nearest := maxTypo+1, ""
	for _, k := range known {
		if d := editDistance(strings.ToUpper(name), k); d < best {
			best, nearest = d, k
		}
	}
	return nearest, nearest != ""
}

// editDistance is Levenshtein's: insertions, deletions and replacements of a byte.
// It gives up, with a number that is too large, where the lengths alone tell.
func editDistance(a, b string) int {
	if max(len(a)-len(b), len(b)-len(a)) > maxTypo {
		return maxTypo + 1
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			next := min(row[j+1]+1, row[j]+1, diagonal+cost)
			diagonal, row[j+1] = row[j+1], next
		}
	}
	return row[len(b)]
}
