package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"sync"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/creativeflow/aigen/internal/config"
	"github.com/creativeflow/aigen/internal/runtimeinfo"
)

func newDoctorCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "doctor", Short: "Check each setting and each dependency", Args: noArgs,
		Long: "Prints every setting with where it comes from (secrets masked), what is embedded, and whether each\n" +
			"dependency works. Exits 0 if the service could start, 3 if a setting is wrong, 1 if a dependency fails.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			d := diagnose(cmd.Context(), config.Options{})
			d.OK = d.verdict() == nil
			if asJSON {
				if err := writeJSON(rawOf(cmd.OutOrStdout()), d, "  "); err != nil {
					return err
				}
			} else if err := d.print(cmd.OutOrStdout()); err != nil {
				return err
			}
			return d.verdict()
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "as JSON")
	return cmd
}

func diagnose(ctx context.Context, o config.Options) diagnosis {
	c, err := config.Load(o)
	d := diagnosis{Settings: c.Settings(), Parts: c.Parts(), Warnings: c.Warnings}
	var faults *config.Error
	if errors.As(err, &faults) {
		d.Faults = faults.Faults
		return d
	}
	trustCAs(c.TLS)
	d.Checks = examine(ctx, c)
	return d
}

// diagnosis is all that doctor found.
type diagnosis struct {
	Settings []config.Setting   `json:"settings"`
	Parts    []runtimeinfo.Part `json:"parts"`
	Warnings []config.Warning   `json:"warnings"`
	Faults   []config.Fault     `json:"faults"`
	Checks   []check            `json:"checks"`
	OK       bool               `json:"ok"` // the service could start and do its work
}

// check is the examination of one dependency.
type check struct {
	Name   string `json:"name"`
	OK     bool   `json:"ok"`
	Result string `json:"result"` // what was seen, or what is wrong and what to do
}

func (d diagnosis) verdict() error {
	if len(d.Faults) > 0 {
		return &exitError{exitSettings, errors.New(count(len(d.Faults), "fault") + " in the settings: the service would not start")}
	}
	failed := 0
	for _, c := range d.Checks {
		if !c.OK {
			failed++
		}
	}
	if failed > 0 {
		return fmt.Errorf("%s of %d failed: the service could not do its work", count(failed, "check"), len(d.Checks))
	}
	return nil
}

// examine tries each dependency for real.
func examine(ctx context.Context, c config.Config) []check {
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	probes := []func(context.Context, config.Config) check{checkDatabase}
	if c.DatabaseIsSQLite() || c.UsesWorker() || c.NeedsTokenSecret() || c.NeedsCallbackSecret() {
		probes = append([]func(context.Context, config.Config) check{checkFolder}, probes...)
	}
	probes = append(probes, outside(c)...)
	checks := make([]check, len(probes))
	var wg sync.WaitGroup
	for i, probe := range probes {
		wg.Go(func() { checks[i] = probe(ctx, c) })
	}
	wg.Wait()
	return checks
}

func checkFolder(_ context.Context, c config.Config) check {
	const name = "data folder"
	dir := c.Database.DataDir
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		defer os.Remove(dir) // doctor leaves nothing behind
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return check{name, false, fmt.Sprintf("%v; set DATA_DIR to a folder that can be written to", err)}
	}
	f, err := os.CreateTemp(dir, ".doctor-*")
	if err != nil {
		return check{name, false, fmt.Sprintf("%v; make it writable or set DATA_DIR to another", err)}
	}
	_, werr := f.WriteString("probe")
	if err := errors.Join(werr, f.Close(), os.Remove(f.Name())); err != nil {
		return check{name, false, fmt.Sprintf("%v; is the disk full?", err)}
	}
	return check{name, true, dir + " can be written to"}
}

func checkDatabase(ctx context.Context, c config.Config) check {
	const name = "database"
	s, err := connectStore(ctx, c, slog.New(slog.DiscardHandler), openExisting)
	switch {
	case isNoDatabase(err):
		return check{name, true, "there is none yet: `aigen serve` makes it at its first start"}
	case err != nil:
		return check{name, false, explain("DATABASE_URL", err)}
	}
	defer s.Close()
	began := time.Now()
	if err := s.Ping(ctx); err != nil {
		return check{name, false, fmt.Sprintf("cannot be written to: %v", err)}
	}
	took := time.Since(began).Round(10 * time.Microsecond)
	stats, err := s.Stats(ctx)
	if err != nil {
		return check{name, false, fmt.Sprintf("cannot be read: %v", err)}
	}
	var dead int64
	for _, l := range stats.Outbox {
		dead += l.Dead
	}
	result := fmt.Sprintf("wrote and read in %s, schema up to date, %d reservations open", took, stats.Reservations.Open)
	if dead > 0 {
		result += fmt.Sprintf(", %d deliveries given up on: see `aigen deliveries list`", dead)
	}
	return check{name, true, result}
}

// summary is the last line: what all of it comes to.
func (d diagnosis) summary() string {
	says := "All is well: the service can start and do its work."
	if err := d.verdict(); err != nil {
		says = "Not well: " + err.Error() + "."
	}
	if n := len(d.Warnings); n > 0 {
		says += " " + count(n, "warning") + ": see above."
	}
	return says
}

func (d diagnosis) print(out io.Writer) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	p := func(format string, args ...any) { fmt.Fprintf(w, format, args...) }
	group := ""
	for _, s := range d.Settings {
		if s.Group != group {
			group = s.Group
			p("\n%s\n", group)
		}
		value := s.Value
		if value == "" {
			value = "-"
		}
		p("  %s\t%s\t%s\n", s.Name, value, s.Source)
	}
	p("\nWhat does the work\n")
	for _, part := range d.Parts {
		p("  %s\t%s\n", part.Need, part.Uses)
	}
	p("\nChecks\n")
	for _, f := range d.Faults {
		p("  FAULT\t%s\n", f)
	}
	for _, warning := range d.Warnings {
		p("  warning\t%s\n", warning)
	}
	for _, c := range d.Checks {
		mark := "ok"
		if !c.OK {
			mark = "FAULT"
		}
		p("  %s\t%s: %s\n", mark, c.Name, c.Result)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(out, "\n%s\n", d.summary())
	return err
}
