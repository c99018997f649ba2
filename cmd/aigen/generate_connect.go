package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/creativeflow/aigen-orchestrator/internal/client"
	"github.com/creativeflow/aigen-orchestrator/internal/config"
	"github.com/creativeflow/aigen-orchestrator/internal/sqlite"
)

// tokenLifetime is that of a token made for one generation, a person's choice included.
const tokenLifetime = 24 * time.Hour

// stopTimeout is how long a service that was started for one generation may take to stop.
const stopTimeout = 15 * time.Second

// connect finds a service, or starts one, and the token for it.
func (r *generateRun) connect(ctx context.Context) error {
	base, token, err := r.o.server, r.o.token, error(nil)
	if base == "" {
		if base, err = r.ownService(ctx); err != nil {
			return err
		}
		if token == "" {
			token, err = mintToken(r.o.userID, tokenLifetime, nil)
		}
	} else if token == "" {
		token, err = r.tokenFor(base)
	}
	if err != nil {
		return err
	}
	r.client, err = client.New(client.Config{BaseURL: base, Token: token, UserAgent: "aigen/" + programVersion()})
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

// runningService is the base URL of the service that has our database open.
func runningService(ctx context.Context, c config.Config) (string, error) {
	c.Callback.BaseURL = "" // the engine's way in, not ours
	base := config.LocalURL(c.Server.ListenAddr)
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, base+"/readyz", nil)
	if err != nil {
		return "", err
	}
	if res, err := http.DefaultClient.Do(req); err == nil {
		_ = res.Body.Close() // only the status counts
		if res.StatusCode == http.StatusOK {
			return base, nil
		}
	}
	return "", fmt.Errorf("the data in %s is in use by another aigen, and none is ready at %s (LISTEN_ADDR): "+
		"say where it is with --server, or set another DATA_DIR", c.Database.DataDir, base)
}

// tokenFor is the token for a service that was named, if it is on this machine and
// so may share our secret.
func (r *generateRun) tokenFor(server string) (string, error) {
	if !isLoopbackURL(server) {
		return "", &exitError{exitUsage, fmt.Errorf("--token (or AIGEN_TOKEN) is needed for %s", server)}
	}
	c, err := loadSettings()
	if err != nil {
		return "", err
	}
	if c.NeedsTokenSecret() {
		// Making a secret here would make one that the service does not know.
		if _, err := os.Stat(filepath.Join(c.Database.DataDir, "jwt.secret")); err != nil {
			return "", &exitError{exitUsage, fmt.Errorf("--token (or AIGEN_TOKEN) is needed: there is no secret in %s to make one with; "+
				"or set DATA_DIR or JWT_SECRET as the service has it", c.Database.DataDir)}
		}
	}
	return mintToken(r.o.userID, tokenLifetime, nil)
}

func isLoopbackURL(raw string) bool {
	u, err := url.Parse(raw)
	if err != nil {
		return false
	}
	ip, err := netip.ParseAddr(u.Hostname())
	return u.Hostname() == "localhost" || err == nil && ip.IsLoopback()
}
