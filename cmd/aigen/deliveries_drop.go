package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/app"
	"github.com/creativeflow/aigen/internal/config"
	"github.com/creativeflow/aigen/internal/odoo"
	"github.com/creativeflow/aigen/internal/operations"
)

func newDeliveriesDropCommand() *cobra.Command {
	var reason, as string
	var force bool
	cmd := &cobra.Command{
		Use: "drop ID --reason TEXT", Short: "Give a delivery up for good", Args: cobra.ExactArgs(1),
		Long: "Removes a delivery, with what follows from it: a job that is awaited fails its generation, with a refund;\n" +
			"a reservation is given up; of a notification the user is not told. A deduction, a refund or a release is what\n" +
			"the credit service has to hear: dropping it makes the accounts differ for good, and needs --force.",
		RunE: func(cmd *cobra.Command, args []string) error {
			id, err := aigen.ParseID(args[0])
			if err != nil {
				return &exitError{exitUsage, fmt.Errorf("%q: %w", args[0], err)}
			}
			by, err := aigen.ParseID(as)
			if err != nil {
				return &exitError{exitUsage, fmt.Errorf("--as: %w", err)}
			}
			dropped, err := dropDelivery(cmd, operations.DropDelivery{ID: id, Force: force, By: aigen.OperatorNote{ID: by, Reason: reason}})
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "dropped: %s\n", dropped.Decided)
			return err
		},
	}
	cmd.Flags().StringVar(&reason, "reason", "", "why; it is written down with who did it (required)")
	cmd.Flags().StringVar(&as, "as", localUser, "your UUID, for the list of what operators did")
	cmd.Flags().BoolVar(&force, "force", false, "also what the credit service has to hear")
	return cmd
}

// dropDelivery works beside a running service. That one hears of what follows at its
// next look into the outbox.
func dropDelivery(cmd *cobra.Command, drop operations.DropDelivery) (operations.Dropped, error) {
	c, err := loadSettings()
	if err != nil {
		return operations.Dropped{}, err
	}
	log := newLogger(c.Log)
	store, err := connectStore(cmd.Context(), c, log, openExisting)
	if err != nil {
		return operations.Dropped{}, err
	}
	defer store.Close()
	credits, closeCredits, err := creditsOf(c)
	if err != nil {
		return operations.Dropped{}, err
	}
	defer closeCredits()
	policy := policyOf(c)
	service, err := app.New(app.Config{
		Policy: policy, Store: store, Credits: credits, Ledger: ledgerOf(c, store), Mode: modeOf(c), Log: log,
	})
	if err != nil {
		return operations.Dropped{}, err
	}
	dropped, err := operations.New(operations.Config{Service: service, Policy: policy, Store: store, Log: log}).DropDelivery(cmd.Context(), drop)
	var known *aigen.Error
	if errors.As(err, &known) {
		text := []string{known.Message}
		for _, f := range known.Fields {
			text = append(text, f.Location+" "+f.Message+".")
		}
		return dropped, &exitError{exitUsage, errors.New(strings.Join(text, " "))}
	}
	return dropped, err
}

// creditsOf is nil with the embedded ledger. Dropping asks it nothing: what follows
// goes to the outbox.
func creditsOf(c config.Config) (app.CreditService, func(), error) {
	if c.UsesLedger() {
		return nil, func() {}, nil
	}
	s, err := odoo.New(odooConfig(c, nil, newLogger(c.Log)))
	if err != nil {
		return nil, nil, &exitError{exitSettings, err}
	}
	return s, s.Close, nil
}
