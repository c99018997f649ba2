package auth

import "errors"

// What Verify answers for a token that it refuses, for errors.Is. The text
// around a sentinel is for operators: it may name hosts and must not be shown
// to the caller. All but ErrKeysUnavailable mean 401.
var (
	// ErrMalformed: the text is no signed JWT in compact form (RFC 7519), is
	// longer than MaxTokenBytes, needs an extension ("crit") that is not
	// understood, or a registered claim has the wrong type.
	ErrMalformed = errors.New("the token is malformed")
	// ErrAlgorithm: the header's alg is missing, "none", or another than the
	// key is for. The alg is never believed (RFC 8725, 3.1 and 3.2).
	ErrAlgorithm = errors.New("the token is signed with an algorithm that is not accepted")
	// ErrSignature: the signature is not that of the key.
	ErrSignature = errors.New("the token's signature is not valid")
	// ErrUnknownKey: the JWKS holds no key that the token could have been signed
	// with. The signature was not looked at.
	ErrUnknownKey = errors.New("the token is signed with a key that is not in the key set")
	// ErrExpired: exp has passed, or is missing: a token without an end could
	// never be taken back.
	ErrExpired = errors.New("the token has expired")
	// ErrNotYetValid: nbf lies in the future.
	ErrNotYetValid = errors.New("the token is not valid yet")
	// ErrIssuer: iss is not Config.Issuer, or is missing.
	ErrIssuer = errors.New("the token comes from another issuer")
	// ErrAudience: aud does not hold Config.Audience, or is missing.
	ErrAudience = errors.New("the token is meant for another audience")
	// ErrUserClaim: the user claim is missing or is not a canonical UUID, or is
	// the nil UUID.
	ErrUserClaim = errors.New("the token names no user")
	// ErrKeysUnavailable: the key that the token names is not known, and the
	// JWKS cannot be fetched. Says nothing about the token: 503, not 401.
	ErrKeysUnavailable = errors.New("the keys to check tokens with are not available")
)
