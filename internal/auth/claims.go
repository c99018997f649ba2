package auth

import (
	"fmt"
	"math"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/uuid"

	"github.com/creativeflow/aigen/internal/web"
)

// lastSecond is the end of the year 9999, after which RFC 3339 has no date and
// time.Unix may wrap into the past or the future.
const lastSecond = 253402300799

// rules are the checks on what a token says, after its signature was checked.
type rules struct {
	issuer, audience    string
	userClaim           string
	roleClaim, operator string
	leeway              time.Duration
	now                 func() time.Time
}

// check goes through the claims in a fixed order, so that a token with several
// faults gets the same answer each time. iat is not checked: RFC 7519 gives it
// no meaning for validity, and nbf says the same where it is meant.
func (r rules) check(claims jwt.MapClaims) (web.Identity, error) {
	expires, err := r.checkTimes(claims)
	if err != nil {
		return web.Identity{}, err
	}
	if iss, err := claims.GetIssuer(); r.issuer != "" && (err != nil || iss != r.issuer) {
		return web.Identity{}, fmt.Errorf("%w: %.100q", ErrIssuer, iss)
	}
	if r.audience != "" && !holds(claims["aud"], r.audience) {
		return web.Identity{}, ErrAudience
	}
	user, err := parseUser(claims, r.userClaim)
	if err != nil {
		return web.Identity{}, err
	}
	return web.Identity{UserID: user, Roles: r.parseRoles(claims), ExpiresAt: expires}, nil
}

func (r rules) checkTimes(claims jwt.MapClaims) (expires time.Time, err error) {
	now := r.now()
	expires, ok, err := numericDate(claims, "exp")
	switch {
	case err != nil:
		return time.Time{}, err
	case !ok:
		return time.Time{}, fmt.Errorf("%w: it has no exp", ErrExpired)
	case !now.Add(-r.leeway).Before(expires):
		return time.Time{}, fmt.Errorf("%w at %s", ErrExpired, expires.Format(time.RFC3339))
	}
	notBefore, ok, err := numericDate(claims, "nbf")
	switch {
	case err != nil:
		return time.Time{}, err
	case ok && now.Add(r.leeway).Before(notBefore):
		return time.Time{}, fmt.Errorf("%w, only at %s", ErrNotYetValid, notBefore.Format(time.RFC3339))
	}
	return expires, nil
}

// numericDate reads seconds since 1970 (RFC 7519, 2). Fractions are dropped:
// for exp that is the strict side. The library's own reading wraps around for
// numbers beyond int64.
func numericDate(claims jwt.MapClaims, name string) (at time.Time, ok bool, err error) {
	value, present := claims[name]
	if !present {
		return time.Time{}, false, nil
	}
	seconds, isNumber := value.(float64)
	if !isNumber || math.IsNaN(seconds) || seconds < 0 || seconds > lastSecond {
		return time.Time{}, false, fmt.Errorf("%w: its %s is not a time", ErrMalformed, name)
	}
	return time.Unix(int64(seconds), 0).UTC(), true, nil
}

// holds tells whether aud, one text or a list of them (RFC 7519, 4.1.3), names
// the wanted audience.
func holds(aud any, want string) bool {
	switch aud := aud.(type) {
	case string:
		return aud == want
	case []any:
		for _, one := range aud {
			if one == any(want) {
				return true
			}
		}
	}
	return false
}

// parseUser takes only the 36-character form: uuid.Parse alone would give one
// user several spellings (URN, braces, no hyphens).
func parseUser(claims jwt.MapClaims, name string) ([16]byte, error) {
	text, ok := claims[name].(string)
	if !ok {
		return [16]byte{}, fmt.Errorf("%w: no claim %q with text", ErrUserClaim, name)
	}
	if len(text) != 36 {
		return [16]byte{}, fmt.Errorf("%w: claim %q is not a UUID", ErrUserClaim, name)
	}
	id, err := uuid.Parse(text)
	if err != nil || id == uuid.Nil {
		return [16]byte{}, fmt.Errorf("%w: claim %q is not a UUID of a user", ErrUserClaim, name)
	}
	return id, nil
}

// parseRoles reads the roles, a list of texts or one text. A text is one role, as it
// stands: were it taken apart at blanks, who may write a free text into the claim could
// write a role among its words. Anything else in there grants nothing.
func (r rules) parseRoles(claims jwt.MapClaims) []string {
	name := r.roleClaim
	if name == "" {
		name = "roles"
		if _, ok := claims[name]; !ok {
			name = "role"
		}
	}
	values, ok := claims[name].([]any)
	if !ok {
		values = []any{claims[name]}
	}
	var roles []string
	for _, value := range values {
		switch text, _ := value.(string); text {
		case "":
		case r.operator:
			roles = append(roles, web.RoleOperator)
		case web.RoleOperator: // another role is the operator's here
		default:
			roles = append(roles, text)
		}
	}
	return roles
}
