package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"

	aigen "github.com/creativeflow/aigen-orchestrator"
	"github.com/creativeflow/aigen-orchestrator/internal/app"
	"github.com/creativeflow/aigen-orchestrator/internal/config"
	"github.com/creativeflow/aigen-orchestrator/internal/sqlite"
	"github.com/spf13/cobra"
)

// store is everything that a database does for the service.
type store interface {
	app.GenerationRepository
	app.Outbox
	app.Ledger
	Close() error
}

// connectStore opens the database and brings its schema up to date. exclusive is
// for the service: no second one may use the same file.
func connectStore(ctx context.Context, c config.Config, log *slog.Logger, exclusive bool) (store, error) {
	if err := supported(c); err != nil {
		return nil, &exitError{exitSettings, err}
	}
	path := c.SQLitePath()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("folder of the database: %w", err)
	}
	s, err := sqlite.Open(ctx, path, sqlite.Options{
		InitialCredits: aigen.Credits(c.Credits.InitialInLedger), Exclusive: exclusive, Logger: log,
	})
	if err != nil {
		return nil, fmt.Errorf("open database: %w", err)
	}
	return s, nil
}

// supported names the settings that this version cannot serve yet. Going on with an
// embedded part instead of the one that was asked for would lose jobs and credits.
func supported(c config.Config) error {
	var faults []error
	for name, set := range map[string]bool{
		"DATABASE_URL (PostgreSQL)": !c.DatabaseIsSQLite(),
		"RABBITMQ_URL":              c.UsesRabbitMQ(),
		"N8N_WEBHOOK_URL":           c.UsesWebhook(),
		"ODOO_SERVICE_URL":          !c.UsesLedger(),
		"NOTIFICATION_SERVICE_URL":  !c.NotifiesLog(),
		"REDIS_URL":                 !c.UsesMemory(),
	} {
		if set {
			faults = append(faults, fmt.Errorf("%s is set, but this version has no adapter for it yet; unset it to use the embedded part", name))
		}
	}
	return errors.Join(faults...)
}

// openStore is for commands that look into the database, beside a running service.
func openStore(ctx context.Context) (store, func(), error) {
	c, err := loadSettings()
	if err != nil {
		return nil, nil, err
	}
	s, err := connectStore(ctx, c, newLogger(c.Log), false)
	if err != nil {
		return nil, nil, err
	}
	return s, func() { _ = s.Close() }, nil
}

func openLedger(cmd *cobra.Command) (app.Ledger, func(), error) {
	c, err := loadSettings()
	if err != nil {
		return nil, nil, err
	}
	if !c.UsesLedger() {
		return nil, nil, &exitError{exitSettings, errNoLedger}
	}
	return openStore(cmd.Context())
}

func newMigrateCommand() *cobra.Command {
	return &cobra.Command{
		Use: "migrate", Short: "Bring the database's schema up to date", Args: noArgs,
		Long: "Brings the schema up to date, as `aigen serve` does at its start. Running it twice changes nothing.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, closeStore, err := openStore(cmd.Context())
			if err != nil {
				return err
			}
			closeStore()
			_, err = fmt.Fprintln(cmd.OutOrStdout(), "the schema is up to date")
			return err
		},
	}
}
