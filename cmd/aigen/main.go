// Command aigen is the AI generation orchestrator: the service and the tools around it.
//
// The directive lets trustCAs change what the whole program trusts.
//
//go:debug x509usefallbackroots=1
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
)

// Exit codes. Scripts rely on them; README lists them.
const (
	exitOK       = 0
	exitFailure  = 1 // it did not work
	exitUsage    = 2 // the command line is wrong
	exitSettings = 3 // a setting is wrong
	exitRefused  = 4 // the generation ended without a picture
	exitCredits  = 5 // not enough credits

	exitDifferences = 6 // reconcile: differences are left
)

// exitError is an error that wants an exit code of its own.
type exitError struct {
	code int
	err  error
}

func (e *exitError) Error() string { return e.err.Error() }
func (e *exitError) Unwrap() error { return e.err }

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// A second signal ends the program at once.
	context.AfterFunc(ctx, stop)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run executes one command and returns its exit code. All of its text goes through here:
// much of it comes from elsewhere, and must not act on a terminal.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	root := newRootCommand()
	root.SetArgs(args)
	root.SetOut(&cleanWriter{to: stdout})
	root.SetErr(&cleanWriter{to: stderr})
	err := root.ExecuteContext(ctx)
	if err == nil {
		return exitOK
	}
	fmt.Fprintln(root.ErrOrStderr(), "aigen:", err)
	return exitCodeOf(err)
}

func newRootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:   "aigen",
		Short: "AI generation orchestrator",
		Long: "aigen stands between people who want AI-made creatives and the machinery that makes them.\n" +
			"Settings come from the environment or a .env file; see `aigen doctor`.",
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return &exitError{exitUsage, err} })
	root.AddCommand(
		newServeCommand(), newMigrateCommand(), newTokenCommand(), newCreditsCommand(), newDeliveriesCommand(),
		newDoctorCommand(), newHealthcheckCommand(), newVersionCommand(), newGenerateCommand(),
		newReconcileCommand(), newWatchCommand(), newConsoleCommand(),
	)
	fitHelp(root)
	fitUsage(root)
	return root
}

// noArgs is cobra's check with our exit code.
func noArgs(cmd *cobra.Command, args []string) error {
	if err := cobra.NoArgs(cmd, args); err != nil {
		return &exitError{exitUsage, err}
	}
	return nil
}
