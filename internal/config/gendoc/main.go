// Command gendoc writes docs/configuration.md from the tags of config.Config.
package main

import (
	"flag"
	"fmt"
	"os"

	"github.com/creativeflow/aigen/internal/config"
)

func main() {
	out := flag.String("out", "", "file to write")
	flag.Parse()
	if err := os.WriteFile(*out, []byte(config.Reference()), 0o644); err != nil { //nolint:gosec // documentation, for all to read
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
