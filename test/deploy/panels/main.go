// Command panels prints the queries of a Grafana dashboard as rules of Prometheus, so
// that promtool can judge their grammar. Grafana's variables are filled in.
//
//	panels DASHBOARD.json
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "panels:", err)
		os.Exit(1)
	}
}

func run(args []string, out io.Writer) error {
	if len(args) != 1 {
		return errors.New("usage: panels DASHBOARD.json")
	}
	data, err := os.ReadFile(args[0]) //nolint:gosec // G703: the path is the argument
	if err != nil {
		return err
	}
	var dashboard struct {
		Panels []struct {
			ID      int
			Title   string
			Targets []struct{ RefID, Expr string }
		}
	}
	if err := json.Unmarshal(data, &dashboard); err != nil {
		return err
	}
	fill := strings.NewReplacer("$__rate_interval", "5m", "$job", ".*")
	var rules strings.Builder
	for _, p := range dashboard.Panels {
		for _, t := range p.Targets {
			fmt.Fprintf(&rules, "      - record: panel:%d:%s\n        expr: %q\n", p.ID, t.RefID, fill.Replace(t.Expr))
		}
	}
	if rules.Len() == 0 {
		return fmt.Errorf("%s has no queries", args[0])
	}
	_, err = fmt.Fprintf(out, "groups:\n  - name: panels\n    rules:\n%s", rules.String())
	return err
}
