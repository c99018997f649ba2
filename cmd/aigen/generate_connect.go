package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/creativeflow/aigen/internal/sqlite"
)

// stopTimeout is how long a service that was started for one generation may take to stop.
const stopTimeout = 15 * time.Second

// connect finds a service, or starts one, and the token for it.
func (r *generateRun) connect(ctx context.Context) error {
	var err error
	base := r.o.server
	if base == "" {
		if base, err = r.ownService(ctx); err != nil {
			return err
		}
	}
	r.client, err = r.o.client(ctx, base)
	return err
}

// ownService starts a service on our database or, if one is running on it, finds that.
func (r *generateRun) ownService(ctx context.Context) (string, error) {
	c, err := loadSettings()
	if err != nil {
		return "", err
	}
	log := slog.New(slog.NewTextHandler(r.view, &slog.HandlerOptions{Level: slog.LevelWarn}))
	r.instance, err = startEmbedded(ctx, log)
	switch {
	case err == nil:
		r.view.note("started a service for this command, with the data in " + c.Database.DataDir)
		r.settings = &c
		return r.instance.URL(), nil
	case errors.Is(err, sqlite.ErrLocked):
		base, err := runningService(ctx, c)
		if err != nil {
			return "", err
		}
		r.view.note("using the service that is running at " + base)
		r.settings = &c
		return base, nil
	default:
		return "", fmt.Errorf("start a service for this command: %w", err)
	}
}

// disconnect ends what connect has begun. That the service stopped badly is worth a
// remark, but does not undo what was told: its next start takes up what is left.
func (r *generateRun) disconnect() {
	if r.client != nil {
		r.client.CloseIdle()
	}
	if r.instance == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), stopTimeout)
	defer cancel()
	if err := r.instance.Stop(ctx); err != nil {
		r.view.note("the service did not stop cleanly: " + printable(err.Error()))
	}
}
