package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/client"
	"github.com/creativeflow/aigen/internal/auth"
	"github.com/creativeflow/aigen/internal/config"
	"github.com/creativeflow/aigen/internal/httpapi"
)

// Tokens made for a command live an hour and are renewed in time, so that one that was
// lost is soon worth nothing.
const (
	tokenLifetime = time.Hour
	renewBefore   = 10 * time.Minute
)

// lookTimeout bounds the questions that a command asks before its own.
const lookTimeout = 3 * time.Second

// tokenFor gives the token for each request to a service: the one that was named, or
// else tokens of our own, if the service is on this machine and so may share our secret.
func (o *serviceOptions) tokenFor(server string) (func(context.Context) (string, error), error) {
	if o.token != "" {
		return client.Static(o.token), nil
	}
	if !isLoopbackURL(server) {
		return nil, &exitError{exitUsage, fmt.Errorf("AIGEN_TOKEN (or --token) is needed for %s", server)}
	}
	c, err := loadSettings()
	if err != nil {
		return nil, err
	}
	if c.NeedsTokenSecret() {
		// Making a secret here would make one that the service does not know.
		if _, err := os.Stat(filepath.Join(c.Database.DataDir, "jwt.secret")); err != nil {
			return nil, &exitError{exitUsage, fmt.Errorf("AIGEN_TOKEN (or --token) is needed: there is no secret in %s to make one with; "+
				"or set DATA_DIR or JWT_SECRET as the service has it", c.Database.DataDir)}
		}
	}
	if err := config.EnsureSecrets(c.Database.DataDir, &c); err != nil {
		return nil, &exitError{exitSettings, err}
	}
	own := &ownTokens{server: server, user: o.userID, c: c}
	return own.token, nil
}

// ownTokens are those of a command that makes its tokens by itself.
type ownTokens struct {
	server string
	user   aigen.ID
	c      config.Config

	mu      sync.Mutex
	current string
	ends    time.Time
}

// token is asked for before each request. Whoever listens at the address gets it only
// after proving that they have the secret that it is signed with: while the service is
// away, any user of the machine may take its port.
func (o *ownTokens) token(ctx context.Context) (string, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if time.Until(o.ends) < renewBefore {
		token, err := mintToken(o.c, o.user, tokenLifetime, nil)
		if err != nil {
			return "", err
		}
		o.current, o.ends = token, time.Now().Add(tokenLifetime)
	}
	if err := askForProof(ctx, o.server, []byte(o.c.Auth.Secret.Reveal())); err != nil {
		return "", err
	}
	return o.current, nil
}

var errUnproved = errors.New("does not prove that it has the secret of these settings, so no token was sent to it: it is another program, " +
	"or a service with another DATA_DIR or JWT_SECRET, or an older version, or behind a proxy. Give a token in AIGEN_TOKEN")

func askForProof(ctx context.Context, server string, secret []byte) error {
	challenge := rand.Text()
	seen, err := probe(ctx, server+"/healthz", challenge)
	if err != nil {
		return fmt.Errorf("the service at %s cannot be reached: %w", server, err)
	}
	if !auth.CheckProof(secret, challenge, portOf(server), seen.proof) {
		return fmt.Errorf("what answers at %s %w", server, errUnproved)
	}
	return nil
}

// glance is what the head of an answer says.
type glance struct {
	status int
	proof  string
}

// probe asks without a token, and wants no more than the head of the answer.
func probe(ctx context.Context, address, challenge string) (glance, error) {
	ctx, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return glance{}, err
	}
	if challenge != "" {
		req.Header.Set(httpapi.ChallengeHeader, challenge)
	}
	c := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := c.Do(req)
	if err != nil {
		var u *url.Error
		if errors.As(err, &u) {
			err = u.Err
		}
		return glance{}, err
	}
	_ = res.Body.Close() // only the head counts
	return glance{res.StatusCode, res.Header.Get(httpapi.ProofHeader)}, nil
}

func portOf(base string) string {
	u, err := url.Parse(base)
	switch {
	case err != nil:
		return ""
	case u.Port() != "":
		return u.Port()
	case u.Scheme == "https":
		return "443"
	}
	return "80"
}
