// Package auth checks the JWTs that users call the API with.
//
// There is one kind of key at a time (a shared secret, a public key, or a JWKS
// at a URL), and the key decides which algorithm a token may be signed with;
// what the token says about itself only has to agree (RFC 8725).
package auth

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/creativeflow/aigen/internal/web"
)

// MaxTokenBytes is the longest token that is looked at. Servers cap all
// headers together at 8 to 16 KiB, so nothing longer comes from an honest one.
const MaxTokenBytes = 8 << 10

// maxLeeway bounds Config.Leeway: more would make exp meaningless.
const maxLeeway = 5 * time.Minute

// Config says what a token is checked against. Exactly one of Secret,
// PublicKeyPEM and JWKSURL is set.
type Config struct {
	Secret       []byte // HS256; at least MinSecretBytes
	PublicKeyPEM []byte // RSA (2048 bits up): RS256; EC P-256: ES256; Ed25519: EdDSA
	JWKSURL      string // http or https; need not answer at start

	Issuer    string        // iss must equal it; empty: not checked
	Audience  string        // aud must hold it; empty: not checked
	UserClaim string        // holds the user's UUID; default "sub"
	RoleClaim string        // holds the roles; default "roles", or "role" where there is no "roles"
	Operator  string        // the role that is web.RoleOperator; default web.RoleOperator
	Leeway    time.Duration // how far clocks may differ for exp and nbf, 0 to 5 minutes

	HTTPClient *http.Client     // for the JWKS; default: one with a timeout, no downgrade to http
	Now        func() time.Time // default time.Now
	Logger     *slog.Logger     // default slog.Default; never given a token
}

// keySource knows the keys. Version tells sets of keys apart, so that a token
// that was checked with one set is checked again when the set has changed.
type keySource interface {
	// find returns the key of that id for that algorithm. Errors: ErrAlgorithm,
	// ErrUnknownKey, ErrKeysUnavailable.
	find(ctx context.Context, kid, alg string) (key any, version uint64, err error)
	// current is the version whose verdicts may be reused; ok is false when
	// the keys are too old for that.
	current() (version uint64, ok bool)
	close()
}

// Verifier checks tokens. It is safe for concurrent use.
type Verifier struct {
	keys   keySource
	rules  rules
	parser *jwt.Parser
	cache  *tokenCache
}

// NewVerifier checks the configuration and never waits for the network: a JWKS
// is fetched in the background, until ctx ends or Close is called. Its errors
// name the setting to change and never hold a secret.
func NewVerifier(ctx context.Context, c Config) (*Verifier, error) {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	if c.UserClaim == "" {
		c.UserClaim = "sub"
	}
	if c.Operator == "" {
		c.Operator = web.RoleOperator
	}
	if c.Leeway < 0 || c.Leeway > maxLeeway {
		return nil, fmt.Errorf("the leeway for token times is %s: set it to between 0 and %s", c.Leeway, maxLeeway)
	}
	keys, err := newKeySource(ctx, c)
	if err != nil {
		return nil, err
	}
	return &Verifier{
		keys:  keys,
		rules: rules{issuer: c.Issuer, audience: c.Audience, userClaim: c.UserClaim, roleClaim: c.RoleClaim, operator: c.Operator, leeway: c.Leeway, now: c.Now},
		// The claims are checked by rules, one sentinel each; strict decoding
		// leaves a signature only one spelling.
		parser: jwt.NewParser(jwt.WithoutClaimsValidation(), jwt.WithStrictDecoding()),
		cache:  newTokenCache(cacheEntries),
	}, nil
}

func newKeySource(ctx context.Context, c Config) (keySource, error) {
	given := 0
	for _, set := range []bool{len(c.Secret) > 0, len(c.PublicKeyPEM) > 0, c.JWKSURL != ""} {
		if set {
			given++
		}
	}
	switch {
	case given == 0:
		return nil, errors.New("no key to check tokens with: set JWT_SECRET, JWT_PUBLIC_KEY or JWT_JWKS_URL")
	case given > 1:
		return nil, errors.New("more than one key to check tokens with: keep only one of JWT_SECRET, JWT_PUBLIC_KEY and JWT_JWKS_URL")
	case len(c.Secret) > 0:
		return newSecretKey(c.Secret)
	case len(c.PublicKeyPEM) > 0:
		return newPublicKey(c.PublicKeyPEM)
	default:
		return newRemoteKeys(ctx, c)
	}
}

// Verify returns who the token speaks for, or one of the package's sentinels,
// wrapped. It waits for the network only when the token names a key that is not
// known, and then no longer than ctx or the fetch's own limit.
func (v *Verifier) Verify(ctx context.Context, token string) (web.Identity, error) {
	if len(token) > MaxTokenBytes {
		return web.Identity{}, fmt.Errorf("%w: longer than %d bytes", ErrMalformed, MaxTokenBytes)
	}
	sum := sha256.Sum256([]byte(token))
	if version, ok := v.keys.current(); ok {
		if id, ok := v.cache.get(sum, version, v.rules.now().Add(-v.rules.leeway)); ok {
			id.Roles = slices.Clone(id.Roles)
			return id, nil
		}
	}
	if strings.ContainsAny(token, "\r\n") {
		// Go's base64 skips them, also when strict.
		return web.Identity{}, fmt.Errorf("%w: it has a line break", ErrMalformed)
	}
	id, version, err := v.check(ctx, token)
	if err != nil {
		return web.Identity{}, err
	}
	v.cache.put(sum, version, id)
	id.Roles = slices.Clone(id.Roles)
	return id, nil
}

// check does the whole work for a token that is not in the cache.
func (v *Verifier) check(ctx context.Context, token string) (web.Identity, uint64, error) {
	var version uint64
	claims := jwt.MapClaims{}
	_, err := v.parser.ParseWithClaims(token, claims, func(t *jwt.Token) (key any, err error) {
		if _, ok := t.Header["crit"]; ok {
			// RFC 7515, 4.1.11; the library does not look at it.
			return nil, fmt.Errorf("%w: its header has a crit extension", ErrMalformed)
		}
		kid, isText := t.Header["kid"].(string)
		if _, present := t.Header["kid"]; present && !isText {
			return nil, fmt.Errorf("%w: its kid is not text", ErrMalformed)
		}
		key, version, err = v.keys.find(ctx, kid, t.Method.Alg())
		return key, err
	})
	if err != nil {
		return web.Identity{}, 0, translate(err)
	}
	id, err := v.rules.check(claims)
	return id, version, err
}

// translate turns the library's errors into this package's.
func translate(err error) error {
	for _, own := range []error{ErrMalformed, ErrAlgorithm, ErrSignature, ErrUnknownKey, ErrKeysUnavailable} {
		if errors.Is(err, own) {
			return err
		}
	}
	switch {
	case errors.Is(err, jwt.ErrTokenMalformed):
		return fmt.Errorf("%w: %w", ErrMalformed, err)
	case errors.Is(err, jwt.ErrTokenUnverifiable):
		// What is left of "unverifiable": alg is missing or is not known.
		return fmt.Errorf("%w: %w", ErrAlgorithm, err)
	default:
		return fmt.Errorf("%w: %w", ErrSignature, err)
	}
}

// Close stops fetching keys and waits for a fetch that is under way. Tokens are
// still checked with the keys at hand.
func (v *Verifier) Close() { v.keys.close() }
