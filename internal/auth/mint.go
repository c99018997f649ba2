package auth

import (
	"cmp"
	"errors"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/uuid"
)

// Claims are what Mint puts into a token.
type Claims struct {
	UserID    [16]byte
	UserClaim string // where the verifier looks for the user; default "sub", which is always there too
	RoleClaim string // where the verifier looks for the roles; default "roles"
	Roles     []string
	Issuer    string
	Audience  string
	IssuedAt  time.Time
	ExpiresAt time.Time
}

// Mint makes a token signed with HS256, for `aigen token` and for tests. It
// refuses what Verify would refuse: a secret that is too short, no user, no end
// or an end that is not after the start.
func Mint(secret []byte, c Claims) (string, error) {
	if err := checkSecret(secret); err != nil {
		return "", err
	}
	if c.UserID == [16]byte{} {
		return "", errors.New("a token needs a user: the nil UUID is none")
	}
	if !c.ExpiresAt.After(c.IssuedAt) || c.IssuedAt.IsZero() {
		return "", errors.New("a token needs a time of issue and a later end")
	}
	user := uuid.UUID(c.UserID).String()
	claims := jwt.MapClaims{"sub": user, "iat": c.IssuedAt.Unix(), "exp": c.ExpiresAt.Unix()}
	if c.UserClaim != "" {
		claims[c.UserClaim] = user
	}
	if len(c.Roles) > 0 {
		claims[cmp.Or(c.RoleClaim, "roles")] = c.Roles
	}
	if c.Issuer != "" {
		claims["iss"] = c.Issuer
	}
	if c.Audience != "" {
		claims["aud"] = c.Audience
	}
	return jwt.NewWithClaims(jwt.SigningMethodHS256, claims).SignedString(secret)
}
