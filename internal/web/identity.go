package web

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/creativeflow/aigen"
)

// RoleOperator is the role of those who run the service: a token that has it may use
// the admin API and the pages for operators.
const RoleOperator = "operator"

// Identity is who a token speaks for.
type Identity struct {
	UserID    aigen.ID
	Roles     []string
	ExpiresAt time.Time // zero: the token has no end; otherwise streams end with it
}

// Operator reports whether the token has the role of an operator.
func (i Identity) Operator() bool { return slices.Contains(i.Roles, RoleOperator) }

// Authenticator checks a user's token. The text of an error is shown to the caller,
// up to its first colon: what follows is for operators and goes to the log.
type Authenticator interface {
	Authenticate(ctx context.Context, token string) (Identity, error)
}

// ErrAuthUnavailable is returned (wrapped) by an Authenticator that cannot tell
// whether the token is good: 503 instead of 401.
var ErrAuthUnavailable = errors.New("tokens cannot be checked just now")
