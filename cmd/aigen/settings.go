package main

import (
	"log/slog"
	"os"

	"github.com/creativeflow/aigen-orchestrator/internal/config"
)

// loadSettings reads and checks every setting; the error names each fault.
func loadSettings() (config.Config, error) {
	c, err := config.Load(config.Options{})
	if err != nil {
		return c, &exitError{exitSettings, err}
	}
	return c, nil
}

// withSecrets reads the settings and makes the secrets that are not set.
func withSecrets() (config.Config, error) {
	c, err := loadSettings()
	if err != nil {
		return c, err
	}
	if err := config.EnsureSecrets(c.Database.DataDir, &c); err != nil {
		return c, &exitError{exitSettings, err}
	}
	return c, nil
}

func newLogger(c config.Log) *slog.Logger {
	o := &slog.HandlerOptions{Level: c.SlogLevel()}
	if c.Format == "json" {
		return slog.New(slog.NewJSONHandler(os.Stderr, o))
	}
	return slog.New(slog.NewTextHandler(os.Stderr, o))
}
