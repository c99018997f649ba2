package main

import (
	"fmt"
	"io"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/creativeflow/aigen/internal/licenses"
)

// version is set by the build (-ldflags "-X main.version=…"); else it comes from
// what Go recorded of the source.
var version string

func programVersion() string {
	if version != "" {
		return version
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	revision, dirty := "", ""
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			revision = s.Value[:min(12, len(s.Value))]
		case "vcs.modified":
			if s.Value == "true" {
				dirty = "+changes"
			}
		}
	}
	if revision != "" {
		return "dev-" + revision + dirty
	}
	return "dev"
}

func newVersionCommand() *cobra.Command {
	var third bool
	cmd := &cobra.Command{
		Use: "version", Short: "Print the version", Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if third {
				_, err := io.WriteString(cmd.OutOrStdout(), licenses.ThirdParty)
				return err
			}
			_, err := fmt.Fprintf(cmd.OutOrStdout(), "aigen %s (%s, %s/%s)\n",
				programVersion(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
			return err
		},
	}
	cmd.Flags().BoolVar(&third, "licenses", false, "print the licences of all that the program contains instead")
	return cmd
}
