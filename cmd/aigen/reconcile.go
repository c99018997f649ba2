package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/creativeflow/aigen/internal/config"
	"github.com/creativeflow/aigen/internal/odoo"
	"github.com/creativeflow/aigen/internal/reconcile"
)

// reconcileOptions are the flags of the command.
type reconcileOptions struct {
	mend, json bool
	since      time.Duration
	grace      time.Duration
}

func newReconcileCommand() *cobra.Command {
	var o reconcileOptions
	cmd := &cobra.Command{
		Use: "reconcile", Short: "Compare reservations and settlements with the credit service", Args: noArgs,
		Long: "Compares every reservation that was decided here with what the credit service has: after a backup was\n" +
			"restored, or when somebody doubts. It changes nothing unless --mend is given, and then only what can be\n" +
			"made right by the calls of the contract. With the embedded ledger it checks the database against itself.\n" +
			"It may run beside the service. docs/operations.md says what each kind of difference means.\n\n" +
			"Exit code 6: differences are left.",
		RunE: func(cmd *cobra.Command, _ []string) error { return runReconcile(cmd.Context(), o, cmd.OutOrStdout()) },
	}
	cmd.Flags().BoolVar(&o.mend, "mend", false, "make right what can be made right")
	cmd.Flags().BoolVar(&o.json, "json", false, "one JSON object, for programs")
	cmd.Flags().DurationVar(&o.since, "since", 0, "leave out what is older, such as 72h (default: everything)")
	cmd.Flags().DurationVar(&o.grace, "older-than", 10*time.Minute, "leave out what is younger: it may be under way")
	return cmd
}

var errDifferences = errors.New("differences are left")

func runReconcile(ctx context.Context, o reconcileOptions, out io.Writer) error {
	if o.since < 0 || o.grace < 0 || (o.since > 0 && o.since < o.grace) {
		return &exitError{exitUsage, errors.New("--since and --older-than are times back from now, --since the longer one")}
	}
	c, err := loadSettings()
	if err != nil {
		return err
	}
	s, err := connectStore(ctx, c, newLogger(c.Log), openExisting)
	if err != nil {
		return err
	}
	defer s.Close()
	var report reconcileReport
	if c.UsesLedger() {
		report, err = auditLedger(ctx, s)
	} else {
		report, err = reconcileRemote(ctx, c, s, o)
	}
	if err != nil {
		return err
	}
	if err := report.write(out, o); err != nil {
		return err
	}
	if report.Left > 0 {
		return &exitError{exitDifferences, errDifferences}
	}
	return nil
}

func reconcileRemote(ctx context.Context, c config.Config, s store, o reconcileOptions) (reconcileReport, error) {
	credits, err := odoo.New(odooConfig(c, nil, slog.New(slog.DiscardHandler)))
	if err != nil {
		return reconcileReport{}, &exitError{exitSettings, err}
	}
	defer credits.Close()
	r := reconcile.Reconciler{Runs: s, Outbox: s, Credits: credits, List: credits, Now: time.Now, Grace: o.grace, Repair: o.mend}
	if o.since > 0 {
		r.Since = time.Now().Add(-o.since)
	}
	found, err := r.Reconcile(ctx)
	if err != nil {
		return reconcileReport{}, fmt.Errorf("reconcile: %w", err)
	}
	return reconcileReport{With: "credit service", Reconciliation: found, Left: found.Left()}, nil
}

func auditLedger(ctx context.Context, s reconcile.Auditor) (reconcileReport, error) {
	rows, faults, err := s.Audit(ctx)
	if err != nil {
		return reconcileReport{}, fmt.Errorf("check the ledger: %w", err)
	}
	r := reconcileReport{With: "embedded ledger", Faults: faults, Left: len(faults)}
	r.Runs, r.Reservations = int(rows["runs"]), int(rows["ledger_entries"])
	return r, nil
}

// reconcileReport is what is said, by --json too.
type reconcileReport struct {
	With string `json:"with"`
	reconcile.Reconciliation

	Faults []string `json:"faults,omitempty"` // of the embedded ledger
	Left   int      `json:"left"`
}

func (r *reconcileReport) write(out io.Writer, o reconcileOptions) error {
	if o.json {
		if r.Differences == nil {
			r.Differences = []reconcile.Difference{}
		}
		return writeJSON(rawOf(out), r, "")
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	p := func(format string, args ...any) { fmt.Fprintf(w, format, args...) }
	if len(r.Differences) > 0 {
		p("KIND\tRUN\tGENERATION\tUSER\tAMOUNT\tHERE\tTHERE\tWHAT\n")
	}
	for _, d := range r.Differences {
		run, generation := d.Reference.String(), d.GenerationID.String()
		if d.Reference.IsZero() {
			run, generation = "-", "-"
		}
		p("%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", d.Kind, run, generation, d.UserID, d.Amount,
			orElse(string(d.Here), "-"), orElse(string(d.There), "-"), whatOf(d, o.mend))
	}
	for _, fault := range r.Faults {
		p("%s\n", printable(fault))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintln(out, r.summary(o))
	return err
}

func whatOf(d reconcile.Difference, mend bool) string {
	switch {
	case d.Mended:
		return "mended"
	case mend || !d.Repairable():
		return "left: " + printable(d.Detail)
	default:
		return "with --mend: " + printable(d.Detail)
	}
}

func (r *reconcileReport) summary(o reconcileOptions) string {
	if r.With == "embedded ledger" {
		return fmt.Sprintf("%d runs and %d entries of the embedded ledger were checked: %d faults", r.Runs, r.Reservations, len(r.Faults))
	}
	s := fmt.Sprintf("%d runs here and %d reservations there were compared: %d differences, %d mended, %d left",
		r.Runs, r.Reservations, len(r.Differences), len(r.Differences)-r.Left, r.Left)
	if !r.Listed {
		s = fmt.Sprintf("the credit service does not list its reservations, so each user's sum was compared (%d runs here): %d differences, %d left",
			r.Runs, len(r.Differences), r.Left)
	}
	if r.UnderWay > 0 {
		s += fmt.Sprintf("; %d are under way and were left out", r.UnderWay)
	}
	if r.Left > 0 && !o.mend {
		s += "; nothing was changed"
	}
	return s
}
