package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/auth"
	"github.com/creativeflow/aigen/internal/config"
	"github.com/creativeflow/aigen/internal/web"
)

func newTokenCommand() *cobra.Command {
	var user string
	var lifetime time.Duration
	var roles []string
	cmd := &cobra.Command{
		Use: "token --user UUID", Short: "Make a user token (JWT) for trying things out", Args: noArgs,
		Long: "Make a JWT for a user, signed with JWT_SECRET or, where no JWT setting is made, with the secret in DATA_DIR.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			id, err := parseUser(user)
			if err != nil {
				return err
			}
			c, err := withSecrets()
			if err != nil {
				return err
			}
			token, err := mintToken(c, id, lifetime, roles)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintln(cmd.OutOrStdout(), token)
			return err
		},
	}
	cmd.Flags().StringVar(&user, "user", "", "the user's UUID (required)")
	cmd.Flags().DurationVar(&lifetime, "lifetime", 24*time.Hour, "how long the token is valid")
	cmd.Flags().StringSliceVar(&roles, "role", nil, "roles, such as operator (whatever JWT_OPERATOR_VALUE calls it)")
	return cmd
}

// mintToken takes settings with their secrets.
func mintToken(c config.Config, user aigen.ID, lifetime time.Duration, roles []string) (string, error) {
	if c.Auth.Secret == "" {
		return "", &exitError{exitSettings, errors.New("tokens are signed elsewhere: JWT_PUBLIC_KEY or JWT_JWKS_URL is set; a token can be made only with JWT_SECRET")}
	}
	for i, role := range roles {
		if role == web.RoleOperator {
			roles[i] = c.Auth.Operator
		}
	}
	now := time.Now()
	return auth.Mint([]byte(c.Auth.Secret.Reveal()), auth.Claims{
		UserID: user, UserClaim: c.Auth.UserClaim, RoleClaim: c.Auth.RoleClaim, Roles: roles, Issuer: c.Auth.Issuer, Audience: c.Auth.Audience,
		IssuedAt: now, ExpiresAt: now.Add(lifetime),
	})
}

func parseUser(s string) (aigen.ID, error) {
	if s == "" {
		return aigen.ID{}, &exitError{exitUsage, errors.New("--user is required: the user's UUID")}
	}
	id, err := aigen.ParseID(s)
	if err != nil || id.IsZero() {
		return aigen.ID{}, &exitError{exitUsage, fmt.Errorf("--user %q is %w", s, aigen.ErrID)}
	}
	return id, nil
}
