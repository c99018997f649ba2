package main

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"

	"github.com/spf13/cobra"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/app"
	"github.com/creativeflow/aigen/internal/auth"
	"github.com/creativeflow/aigen/internal/config"
	"github.com/creativeflow/aigen/internal/console"
	"github.com/creativeflow/aigen/internal/operations"
	"github.com/creativeflow/aigen/internal/web"
)

// newConsole is nil where ENABLE_CONSOLE is off.
func newConsole(
	c config.Config, s *app.Service, o *operations.Service, v *auth.Verifier, limiter app.RateLimiter, publicURL func() string,
	show func(aigen.Asset) aigen.Asset, log *slog.Logger,
) (*console.Console, error) {
	if !c.Server.Console {
		return nil, nil //nolint:nilnil // there is none
	}
	local, err := localOf(c)
	if err != nil {
		return nil, err
	}
	return console.New(console.Config{
		Service: s, Operations: o, Authenticator: authenticator{v}, Limiter: limiter, Pricing: policyOf(c).Pricing,
		Ledger: c.UsesLedger(),
		Local:  local, PublicBase: c.PublicBase(), Portals: c.Server.CORSAllowedOrigins, AssetBase: publicURL, Show: show,
		Log: log, Version: programVersion(),
	})
}

// localOf lets the person who started the service in by a key: where it has made its own
// secret, it listens on loopback alone. They are the user that `aigen generate` works
// for.
func localOf(c config.Config) (*console.Local, error) {
	if !c.MadeTokenSecret() || !c.ListensOnLoopback() {
		return nil, nil //nolint:nilnil // there is none
	}
	user, err := aigen.ParseID(localUser)
	project, err2 := aigen.ParseID(localProject)
	if err := errors.Join(err, err2); err != nil {
		return nil, fmt.Errorf("the local user: %w", err)
	}
	return &console.Local{UserID: user, ProjectID: project, Secret: auth.Derive([]byte(c.Auth.Secret.Reveal()), "console, local user")}, nil
}

func newConsoleCommand() *cobra.Command {
	return &cobra.Command{
		Use: "console", Short: "Print the address of the console, with the key that lets you in", Args: noArgs,
		Long: "Prints the address at which a service with these settings serves its console. Where the service has made " +
			"its own secret, the address holds the key of DATA_DIR: whoever has it is the local user, and an operator. " +
			"Removing DATA_DIR/jwt.secret makes a new key at the next start, and ends all tokens made with the old secret.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := withSecrets()
			if err != nil {
				return err
			}
			if !c.Server.Console {
				return &exitError{exitSettings, errors.New("there is no console: ENABLE_CONSOLE is off")}
			}
			if _, port, err := net.SplitHostPort(c.Server.ListenAddr); err == nil && port == "0" {
				return &exitError{exitSettings, errors.New("LISTEN_ADDR takes any free port (0), so nobody but the service knows which: see what `aigen serve` printed")}
			}
			address, err := consoleAddress(c, config.LocalURL(c.Server.ListenAddr))
			if err != nil {
				return err
			}
			_, err = fmt.Fprintln(cmd.OutOrStdout(), address)
			return err
		},
	}
}

// consoleAddress is where the console is to be opened: with the key, where there is one.
func consoleAddress(c config.Config, base string) (string, error) {
	local, err := localOf(c)
	if err != nil || local == nil {
		return base + "/", err
	}
	return console.LocalAddress(base, local), nil
}

func pagesOf(k *console.Console) []web.Page {
	if k == nil {
		return nil
	}
	return k.Pages()
}

func noPageOf(k *console.Console) http.Handler {
	if k == nil {
		return nil
	}
	return k.NotFound()
}
