package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/creativeflow/aigen"
)

func newCreditsCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "credits", Short: "Look after the embedded ledger"}
	cmd.AddCommand(newCreditsGrantCommand(), newCreditsBalanceCommand())
	return cmd
}

func newCreditsGrantCommand() *cobra.Command {
	var user, amount, reference string
	cmd := &cobra.Command{
		Use: "grant --user UUID --amount 100", Short: "Add credits to a user's account", Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			id, err := parseUser(user)
			if err != nil {
				return err
			}
			credits, err := aigen.ParseCredits(amount)
			if err != nil || credits <= 0 {
				return &exitError{exitUsage, fmt.Errorf(`--amount %q: want a positive amount with at most two places, such as "100" or "2.50"`, amount)}
			}
			if reference == "" {
				reference = newID().String()
			}
			ledger, closeStore, err := openLedger(cmd, true)
			if err != nil {
				return err
			}
			defer closeStore()
			b, err := ledger.Grant(cmd.Context(), id, credits, reference, time.Now())
			if err != nil {
				return fmt.Errorf("grant credits: %w", err)
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "granted %s to %s: balance %s, available %s\n", credits, id, b.Balance, b.Available)
			return err
		},
	}
	cmd.Flags().StringVar(&user, "user", "", "the user's UUID (required)")
	cmd.Flags().StringVar(&amount, "amount", "", "credits to add, such as 100 or 2.50 (required)")
	cmd.Flags().StringVar(&reference, "reference", "", "a name for this grant: a repeat with the same name adds nothing")
	return cmd
}

func newCreditsBalanceCommand() *cobra.Command {
	var user string
	cmd := &cobra.Command{
		Use: "balance --user UUID", Short: "Show a user's account", Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			id, err := parseUser(user)
			if err != nil {
				return err
			}
			ledger, closeStore, err := openLedger(cmd, false)
			if err != nil {
				return err
			}
			defer closeStore()
			b, err := ledger.Balance(cmd.Context(), id)
			if err != nil {
				return fmt.Errorf("read balance: %w", err)
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "balance %s, reserved %s, available %s\n", b.Balance, b.Reserved, b.Available)
			return err
		},
	}
	cmd.Flags().StringVar(&user, "user", "", "the user's UUID (required)")
	return cmd
}

var errNoLedger = errors.New("credits are kept by the service at ODOO_SERVICE_URL, not by the embedded ledger")
