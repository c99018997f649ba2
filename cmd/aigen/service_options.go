package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"

	"github.com/spf13/cobra"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/client"
	"github.com/creativeflow/aigen/internal/config"
)

// localUser is who asks when nobody says: the same each time, so that credits that were
// granted once are found again.
const localUser = "00000000-0000-7000-8000-000000000001"

// serviceOptions say on the command line which service is meant, and as whom.
type serviceOptions struct {
	server, token, user string

	userID aigen.ID // made by check
}

func (o *serviceOptions) flags(cmd *cobra.Command, otherwise string) {
	f := cmd.Flags()
	f.StringVar(&o.server, "server", "", "base URL of the service (default: $AIGEN_SERVER, else "+otherwise+")")
	f.StringVar(&o.token, "token", "", "the user's token, in place of $AIGEN_TOKEN, which is better: other users of this "+
		"machine can read a command line (without either, one is made for a service on this machine)")
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
	seen, err := probe(ctx, base+"/readyz", "")
	return err == nil && seen.status == http.StatusOK
}

// client is one for the service at this base URL, as the user that is meant.
func (o *serviceOptions) client(ctx context.Context, base string) (*client.Client, error) {
	token, err := o.tokenFor(base)
	if err != nil {
		return nil, err
	}
	if _, err := token(ctx); errors.Is(err, errUnproved) {
		return nil, err // trying again, as for a service that is away, would not help
	}
	return client.New(client.Config{BaseURL: base, Token: token, UserAgent: "aigen/" + programVersion()})
}

func isLoopbackURL(raw string) bool {
	u, err := url.Parse(raw)
	if err != nil {
		return false
	}
	ip, err := netip.ParseAddr(u.Hostname())
	return u.Hostname() == "localhost" || err == nil && ip.IsLoopback()
}
