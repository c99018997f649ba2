package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"
)

func newServeCommand() *cobra.Command {
	return &cobra.Command{
		Use: "serve", Short: "Run the service", Args: noArgs,
		Long: "Runs the service until SIGTERM or Ctrl-C, then drains. What is not set is embedded: SQLite, a credit\n" +
			"ledger, an engine that makes the pictures, notifications in the log. `aigen doctor` shows what is what.",
		RunE: func(cmd *cobra.Command, _ []string) error { return serve(cmd.Context(), cmd.OutOrStdout()) },
	}
}

func serve(ctx context.Context, out io.Writer) error {
	began := time.Now()
	c, err := withSecrets()
	if err != nil {
		return err
	}
	log := newLogger(c.Log)
	for _, w := range c.Warnings {
		log.Warn("setting", "name", w.Setting, "problem", w.Problem)
	}
	serveProfiles(log)
	in, err := start(ctx, c, log)
	if err != nil {
		return err
	}
	go tuneGC(ctx)
	for _, p := range c.Parts() {
		log.Info("part", "need", p.Need, "uses", p.Uses, "embedded", p.Embedded)
	}
	log.Info("ready", "url", in.URL(), "docs", in.URL()+"/docs", "version", programVersion(), "took", time.Since(began))
	if err := sayWhereConsoleIs(out, in); err != nil {
		log.Warn("the address of the console could not be printed", "error", err)
	}

	var failure error
	select {
	case <-ctx.Done():
		log.Info("stopping", "at_most", c.Server.ShutdownTimeout)
	case failure = <-in.Failed():
		failure = fmt.Errorf("cannot go on: %w", failure)
	}
	stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), c.Server.ShutdownTimeout)
	defer cancel()
	err = errors.Join(failure, in.Stop(stop))
	log.Info("stopped")
	return err
}

// sayWhereConsoleIs prints the address with the key on standard output: not into the log,
// which others may read. Where there is no key, the log says all there is to say.
func sayWhereConsoleIs(out io.Writer, in *instance) error {
	local, err := localOf(in.c)
	if err != nil || local == nil || in.console == nil {
		return err
	}
	address, err := consoleAddress(in.c, in.URL())
	if err == nil {
		_, err = fmt.Fprintf(out, "\nOpen the console: %s\n\n", address)
	}
	return err
}
