package httpapi

import (
	"errors"
	"net/http"
	"strings"

	"github.com/creativeflow/aigen/internal/httpapi/wire"
	"github.com/creativeflow/aigen/internal/web"
)

// bearer returns the token of the Authorization header. given is false where there
// is no such header or it has another scheme.
func bearer(r *http.Request) (token string, given bool) {
	values := r.Header.Values("Authorization")
	if len(values) == 0 {
		return "", false
	}
	scheme, token, _ := strings.Cut(values[0], " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return "", false
	}
	if len(values) > 1 {
		return "", true // which one counts is nothing to guess at
	}
	return strings.TrimSpace(token), true
}

var errNoToken = errors.New("the token is malformed")

// authenticate finds out who asks, or says why it cannot.
func (a *API) authenticate(r *http.Request) (web.Identity, error) {
	token, given := bearer(r)
	if !given {
		return web.Identity{}, &wire.Error{
			Code: wire.CodeMissingToken, Detail: "Send a token: Authorization: Bearer <JWT>.",
			Headers: challenge(`Bearer realm="aigen"`),
		}
	}
	id, err := web.Identity{}, errNoToken
	if token != "" {
		id, err = a.c.Authenticator.Authenticate(r.Context(), token)
	}
	switch {
	case errors.Is(err, web.ErrAuthUnavailable):
		return web.Identity{}, &wire.Error{Code: web.CodeAuthUnavailable, Detail: "Whether the token is valid cannot be checked just now. Try again in a moment.", Cause: err}
	case err == nil && id.UserID.IsZero():
		// There is no default user, whatever an authenticator does.
		err = errors.New("the token names no user")
	case err == nil:
		return id, nil
	}
	return web.Identity{}, tokenFault(err)
}

// tokenFault is the answer to a token that is not taken, and says why.
func tokenFault(err error) error {
	why := firstClause(err)
	return &wire.Error{
		Code: wire.CodeInvalidToken, Detail: strings.ToUpper(why[:1]) + why[1:] + ".", Cause: err,
		Headers: challenge(`Bearer realm="aigen", error="invalid_token", error_description="` + why + `"`),
	}
}

func challenge(value string) http.Header {
	return http.Header{"Www-Authenticate": {value}}
}

// firstClause is the part of an error that may be shown, fit for a quoted string of
// a header.
func firstClause(err error) string {
	text, _, _ := strings.Cut(err.Error(), ": ")
	text = strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' || r == '"' || r == '\\' {
			return -1
		}
		return r
	}, text)
	if text == "" {
		return "the token is not valid"
	}
	return text
}

// admit lets an operator in. The role is asked of the token alone: a request from this
// very machine may have come through a proxy, for anybody.
func (a *API) admit(id web.Identity) error {
	if a.c.Operations == nil {
		return wire.NewError(wire.CodeRouteNotFound, "There is nothing at this path. See /docs for what there is.")
	}
	if !id.Operator() {
		return wire.NewError(wire.CodeOperatorRequired, `This is for those who run the service: the token needs the role "operator".`)
	}
	return nil
}
