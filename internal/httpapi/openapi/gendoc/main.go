// Command gendoc writes api/openapi.json and api/openapi.yaml from the code.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"

	"github.com/creativeflow/aigen/internal/httpapi"
)

func main() {
	dir := flag.String("dir", "", "folder to write to")
	flag.Parse()
	if err := write(*dir); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func write(dir string) error {
	asJSON, asYAML, err := httpapi.Document()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil { //nolint:gosec // documentation, for all to read
		return err
	}
	for name, body := range map[string][]byte{"openapi.json": asJSON, "openapi.yaml": asYAML} {
		if err := os.WriteFile(filepath.Join(dir, name), body, 0o644); err != nil { //nolint:gosec // likewise
			return err
		}
	}
	return nil
}
