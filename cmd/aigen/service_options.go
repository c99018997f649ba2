package main

import (
	"context"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	aigen "github.com/creativeflow/aigen-orchestrator"
	"github.com/creativeflow/aigen-orchestrator/internal/client"
	"github.com/creativeflow/aigen-orchestrator/internal/config"
)

// localUser is who asks when nobody says: the same each time, so that credits that were
// granted once are found again.
const localUser = "00000000-0000-7000-8000-000000000001"

// tokenLifetime is that of a token made for one command, a person's choice included.
const tokenLifetime = 24 * time.Hour

// serviceOptions say on the command line which service is meant, and as whom.
type serviceOptions struct {
	server, token, user string

	userID aigen.ID // made by check
}

func (o *serviceOptions) flags(cmd *cobra.Command, otherwise string) {
	f := cmd.Flags()
	f.StringVar(&o.server, "server", "", "base URL of the service (default: $AIGEN_SERVER, else "+otherwise+")")
	f.StringVar(&o.token, "token", "", "the user's token (default: $AIGEN_TOKEN, else one is made for a service on this machine)")
	f.StringVar(&o.user, "user", "", "UUID of the user to make a token for (default: the local user "+localUser+")")
}

// check reads the options, and what stands for them in the environment.
func (o *serviceOptions) check(term terminal, fault func(string, ...any)) {
	o.userID = checkID("--user", o.user, localUser, fault)
	if o.user != "" && o.token != "" {
		fault("--user and --token exclude each other: a token says whose it is")
	}
	if o.server == "" {
		o.server = term.getenv("AIGEN_SERVER")
	}
	if o.token == "" && o.user == "" {
		o.token = term.getenv("AIGEN_TOKEN")
	}
	if o.server != "" {
		if err := client.CheckBaseURL(o.server); err != nil {
			fault("--server %q: %v", o.server, err)
		}
	}
}

func checkID(flag, value, otherwise string, fault func(string, ...any)) aigen.ID {
	if value == "" {
		value = otherwise
	}
	id, err := aigen.ParseID(value)
	if err != nil || id.IsZero() {
		fault("%s %q is %v", flag, value, aigen.ErrID)
	}
	return id
}

// runningService is the base URL of the service that has our database open.
func runningService(ctx context.Context, c config.Config) (string, error) {
	base := config.LocalURL(c.Server.ListenAddr)
	if isReady(ctx, base) {
		return base, nil
	}
	return "", fmt.Errorf("the data in %s is in use by another aigen, and none is ready at %s (LISTEN_ADDR): "+
		"say where it is with --server, or set another DATA_DIR", c.Database.DataDir, base)
}

// readyService is the base URL of the service that runs with our settings.
func readyService(ctx context.Context, c config.Config) (string, error) {
	base := config.LocalURL(c.Server.ListenAddr)
	if isReady(ctx, base) {
		return base, nil
	}
	return "", fmt.Errorf("no service is ready at %s (LISTEN_ADDR): start one with `aigen serve`, or say where it is with --server", base)
}

func isReady(ctx context.Context, base string) bool {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, base+"/readyz", nil)
	if err != nil {
		return false
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return false
	}
	_ = res.Body.Close() // only the status counts
	return res.StatusCode == http.StatusOK
}

// tokenFor is the token for a service that was named, if it is on this machine and
// so may share our secret.
func (o *serviceOptions) tokenFor(server string) (string, error) {
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
	return mintToken(o.userID, tokenLifetime, nil)
}

func isLoopbackURL(raw string) bool {
	u, err := url.Parse(raw)
	if err != nil {
		return false
	}
	ip, err := netip.ParseAddr(u.Hostname())
	return u.Hostname() == "localhost" || err == nil && ip.IsLoopback()
}
