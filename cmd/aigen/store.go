package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/app"
	"github.com/creativeflow/aigen/internal/assets"
	"github.com/creativeflow/aigen/internal/config"
	"github.com/creativeflow/aigen/internal/operations"
	"github.com/creativeflow/aigen/internal/outbox"
	"github.com/creativeflow/aigen/internal/postgres"
	"github.com/creativeflow/aigen/internal/reconcile"
	"github.com/creativeflow/aigen/internal/sqlite"
)

// store is everything that a database does for the service.
type store interface {
	app.GenerationRepository
	outbox.Store
	app.Ledger
	assets.Repository
	operations.Store
	reconcile.RunLister
	reconcile.Auditor
	Close() error
}

// opening is what a command may do to the database that it opens.
type opening int

const (
	// openExisting takes the database as it is. Commands that look, or change a row, run
	// beside a service, which may be an older one: to bring the schema up to date would
	// break it.
	openExisting opening = iota
	openMigrate          // make it, or bring its schema up to date
	openServe            // likewise, and keep any other service from the same file
)

func connectStore(ctx context.Context, c config.Config, log *slog.Logger, how opening) (store, error) {
	initial := aigen.Credits(c.Credits.InitialInLedger)
	if !c.DatabaseIsSQLite() {
		s, err := postgres.Open(ctx, c.Database.URL.Reveal(), postgres.Options{
			InitialCredits: initial, PoolSize: c.Database.PoolSize, Existing: how == openExisting, Logger: log,
		})
		if err != nil {
			return nil, fmt.Errorf("open the database of DATABASE_URL: %w%s", err, adviceFor(err))
		}
		return s, nil
	}
	path := c.SQLitePath()
	if how != openExisting {
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return nil, fmt.Errorf("folder of the database: %w", err)
		}
	}
	s, err := sqlite.Open(ctx, path, sqlite.Options{InitialCredits: initial, Exclusive: how == openServe, Existing: how == openExisting, Logger: log})
	if err != nil {
		return nil, fmt.Errorf("open database: %w%s", err, adviceFor(err))
	}
	return s, nil
}

func adviceFor(err error) string {
	if errors.Is(err, sqlite.ErrNewerSchema) || errors.Is(err, postgres.ErrNewerSchema) {
		return "; run that version, or restore the backup from before the upgrade"
	}
	return ""
}

// isNoDatabase: there is nothing yet at the place that the settings name.
func isNoDatabase(err error) bool {
	return errors.Is(err, sqlite.ErrNoDatabase) || errors.Is(err, postgres.ErrNoDatabase)
}

// openStore is for commands that look into the database, beside a running service.
func openStore(ctx context.Context) (store, func(), error) {
	c, err := loadSettings()
	if err != nil {
		return nil, nil, err
	}
	s, err := connectStore(ctx, c, newLogger(c.Log), openExisting)
	if err != nil {
		return nil, nil, err
	}
	return s, func() { _ = s.Close() }, nil
}

// openLedger is openStore where the credits are kept in the database. With makeOne, there
// need not be one yet: accounts may be filled before the service first starts.
func openLedger(cmd *cobra.Command, makeOne bool) (app.Ledger, func(), error) {
	c, err := loadSettings()
	if err != nil {
		return nil, nil, err
	}
	if !c.UsesLedger() {
		return nil, nil, &exitError{exitSettings, errNoLedger}
	}
	log := newLogger(c.Log)
	s, err := connectStore(cmd.Context(), c, log, openExisting)
	if makeOne && isNoDatabase(err) {
		if s, err = connectStore(cmd.Context(), c, log, openMigrate); err == nil {
			_, _ = fmt.Fprintln(cmd.ErrOrStderr(), "there was no database yet, so one was made") // nobody to tell if it fails
		}
	}
	if err != nil {
		return nil, nil, err
	}
	return s, func() { _ = s.Close() }, nil
}

func newMigrateCommand() *cobra.Command {
	return &cobra.Command{
		Use: "migrate", Short: "Bring the database's schema up to date", Args: noArgs,
		Long: "Makes the database, or brings its schema up to date, as `aigen serve` does at its start. Of the other commands only `aigen generate` does, where it starts a service of its own. Running it twice changes nothing.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := loadSettings()
			if err != nil {
				return err
			}
			s, err := connectStore(cmd.Context(), c, newLogger(c.Log), openMigrate)
			if err != nil {
				return err
			}
			if err := s.Close(); err != nil {
				return err
			}
			_, err = fmt.Fprintln(cmd.OutOrStdout(), "the schema is up to date")
			return err
		},
	}
}
