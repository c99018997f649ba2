package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"

	aigen "github.com/creativeflow/aigen-orchestrator"
	"github.com/creativeflow/aigen-orchestrator/internal/app"
	"github.com/creativeflow/aigen-orchestrator/internal/config"
	"github.com/creativeflow/aigen-orchestrator/internal/postgres"
	"github.com/creativeflow/aigen-orchestrator/internal/sqlite"
	"github.com/spf13/cobra"
)

// store is everything that a database does for the service.
type store interface {
	app.GenerationRepository
	app.Outbox
	app.Ledger
	app.OperatorStore
	app.RunBook
	app.Auditor
	Close() error
}

// connectStore opens the database and brings its schema up to date. exclusive is
// for the service on SQLite: no second one may use the same file.
func connectStore(ctx context.Context, c config.Config, log *slog.Logger, exclusive bool) (store, error) {
	if !c.DatabaseIsSQLite() {
		s, err := postgres.Open(ctx, c.Database.URL.Reveal(), postgres.Options{
			InitialCredits: aigen.Credits(c.Credits.InitialInLedger), PoolSize: c.Database.PoolSize, Logger: log,
		})
		if err != nil {
			return nil, fmt.Errorf("open the database of DATABASE_URL: %w", err)
		}
		return s, nil
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
