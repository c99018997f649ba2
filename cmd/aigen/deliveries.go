package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/outbox"
)

func newDeliveriesCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "deliveries", Short: "See, retry and drop what could not be delivered",
		Long: "The outbox holds what must be done outside: jobs, credit operations, notifications.\n" +
			"A delivery that failed too often, or that cannot succeed, is dead until it is retried or dropped here, or in the console.",
	}
	cmd.AddCommand(newDeliveriesListCommand(), newDeliveriesRetryCommand(), newDeliveriesDropCommand())
	return cmd
}

func newDeliveriesListCommand() *cobra.Command {
	var all, asJSON bool
	var lane, generation string
	var limit int
	cmd := &cobra.Command{
		Use: "list", Short: "List deliveries that were given up on", Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			q := outbox.DeliveryQuery{State: outbox.DeliveryDead, Queue: outbox.Queue(lane), Limit: limit}
			if all {
				q.State = ""
			}
			if generation != "" {
				id, err := aigen.ParseID(generation)
				if err != nil {
					return &exitError{exitUsage, fmt.Errorf("--generation: %w", err)}
				}
				q.GenerationID = id
			}
			if lane != "" && !slices.Contains(outbox.Queues(), q.Queue) {
				return &exitError{exitUsage, fmt.Errorf("--lane %q is none: there are %s", lane, laneNames())}
			}
			if limit < 1 || limit > maxListed {
				return &exitError{exitUsage, fmt.Errorf("--limit must be from 1 to %d", maxListed)}
			}
			store, closeStore, err := openStore(cmd.Context())
			if err != nil {
				return err
			}
			defer closeStore()
			ds, err := store.ListDeliveries(cmd.Context(), q)
			if err != nil {
				return fmt.Errorf("list deliveries: %w", err)
			}
			return printDeliveries(cmd, ds, asJSON)
		},
	}
	cmd.Flags().BoolVar(&all, "all", false, "also those that are still being tried")
	cmd.Flags().StringVar(&lane, "lane", "", "only one lane: "+laneNames())
	cmd.Flags().StringVar(&generation, "generation", "", "only those of one generation")
	cmd.Flags().IntVar(&limit, "limit", 100, fmt.Sprintf("how many at most, 1 to %d", maxListed))
	cmd.Flags().BoolVar(&asJSON, "json", false, "one JSON object a line")
	return cmd
}

// maxListed bounds a list that is held in memory.
const maxListed = 10_000

func laneNames() string {
	var names []string
	for _, l := range outbox.Queues() {
		names = append(names, string(l))
	}
	return strings.Join(names[:len(names)-1], ", ") + " or " + names[len(names)-1]
}

func printDeliveries(cmd *cobra.Command, ds []outbox.Delivery, asJSON bool) error {
	out := cmd.OutOrStdout()
	if asJSON {
		for _, d := range ds {
			if err := writeJSON(rawOf(out), map[string]any{
				"id": d.ID, "kind": d.Kind, "lane": d.Kind.Queue(), "state": d.State, "generationId": d.GenerationID,
				"attempts": d.Attempts, "createdAt": d.CreatedAt, "availableAt": d.AvailableAt, "lastError": d.LastError,
			}, ""); err != nil {
				return err
			}
		}
		return nil
	}
	if len(ds) == 0 {
		_, err := fmt.Fprintln(out, "nothing: no such deliveries")
		return err
	}
	// Two ids and an error are wider than a terminal: a line has what is compared, and
	// what is read stands beneath it.
	const columns = "%-36s  %-17s  %-8s  %5s  %s\n"
	var b strings.Builder
	fmt.Fprintf(&b, columns, "ID", "KIND", "STATE", "TRIES", "AGE")
	for _, d := range ds {
		age := shortTime(time.Since(d.CreatedAt))
		fmt.Fprintf(&b, columns, d.ID, d.Kind, d.State, strconv.Itoa(d.Attempts), age)
		fmt.Fprintf(&b, "  generation %s\n", d.GenerationID)
		if d.LastError != "" {
			b.WriteString(indented(printable(d.LastError), "  "))
		}
	}
	_, err := io.WriteString(out, b.String())
	return err
}

func newDeliveriesRetryCommand() *cobra.Command {
	var all bool
	cmd := &cobra.Command{
		Use: "retry ID…|--all", Short: "Try deliveries again", Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if all == (len(args) > 0) {
				return &exitError{exitUsage, errors.New("name the deliveries, or say --all for all that were given up on")}
			}
			ids := make([]aigen.ID, len(args))
			for i, s := range args {
				id, err := aigen.ParseID(s)
				if err != nil {
					return &exitError{exitUsage, fmt.Errorf("%q: %w", s, err)}
				}
				ids[i] = id
			}
			store, closeStore, err := openStore(cmd.Context())
			if err != nil {
				return err
			}
			defer closeStore()
			n, err := store.RetryDeliveries(cmd.Context(), ids, time.Now())
			if err != nil {
				return fmt.Errorf("retry deliveries: %w", err)
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%d to be tried again\n", n)
			return err
		},
	}
	cmd.Flags().BoolVar(&all, "all", false, "all that were given up on")
	return cmd
}
