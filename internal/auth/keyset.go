package auth

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/MicahParks/jwkset"
	"github.com/golang-jwt/jwt/v5"
)

// maxKeys bounds how many keys of a set are looked at; real ones have 2 to 10.
const maxKeys = 100

// keySet is one answer of the JWKS server. It does not change.
type keySet struct {
	keys    map[string][]remoteKey // by kid; different types may share one (RFC 7517, 4.5)
	sum     [sha256.Size]byte      // of the answer, to see whether anything changed
	version uint64
	fetched time.Time
	skipped []error // keys that are not used, and why
}

// remoteKey is one key. Without alg it is known but checks no token, for
// example a key for encryption: naming it is no reason to fetch again.
type remoteKey struct {
	alg string
	key any
}

// parseKeySet reads a JWK Set (RFC 7517, 5). A key that cannot be used is left
// out, so that one odd key does not take all the others down with it.
func parseKeySet(body []byte) (*keySet, error) {
	var doc struct {
		Keys []json.RawMessage `json:"keys"`
	}
	body = bytes.TrimPrefix(body, []byte("\xef\xbb\xbf")) // a byte order mark, which some web servers put there
	if err := json.Unmarshal(body, &doc); err != nil {
		return nil, fmt.Errorf("the answer is no JWK Set: %w", err)
	}
	if doc.Keys == nil {
		return nil, noKeySet(body)
	}
	if len(doc.Keys) > maxKeys {
		return nil, fmt.Errorf("the answer has %d keys, more than %d", len(doc.Keys), maxKeys)
	}
	set := &keySet{keys: make(map[string][]remoteKey, len(doc.Keys)), sum: sha256.Sum256(body)}
	for _, raw := range doc.Keys {
		var fields jwkset.JWKMarshal
		if err := json.Unmarshal(raw, &fields); err != nil {
			set.skipped = append(set.skipped, err)
			continue
		}
		key, err := parseKey(fields)
		if err != nil {
			set.skipped = append(set.skipped, fmt.Errorf("key %.100q: %w", fields.KID, err))
		}
		set.keys[fields.KID] = append(set.keys[fields.KID], key)
	}
	return set, nil
}

// noKeySet says what an answer without "keys" seems to be.
func noKeySet(body []byte) error {
	var doc struct {
		JWKSURI string `json:"jwks_uri"`
		KTY     string `json:"kty"`
	}
	_ = json.Unmarshal(body, &doc) // what cannot be read is nothing that is known
	switch {
	case doc.JWKSURI != "":
		return fmt.Errorf("the answer is the issuer's discovery document: set JWT_JWKS_URL to its jwks_uri, %.200q", doc.JWKSURI)
	case doc.KTY != "":
		return errors.New(`the answer is a single key: serve a set, {"keys": [ … ]}, or set JWT_PUBLIC_KEY to the key as PEM`)
	}
	return errors.New(`the answer is no JWK Set: it has no "keys"`)
}

// parseKey returns the zero key, which checks nothing, with the reason when the
// key may not be used.
func parseKey(fields jwkset.JWKMarshal) (remoteKey, error) {
	if fields.USE != "" && fields.USE != jwkset.UseSig {
		return remoteKey{}, fmt.Errorf("its use is %.20q", fields.USE)
	}
	if !mayVerify(fields.KEYOPS) {
		return remoteKey{}, errors.New("its key_ops do not include verify")
	}
	// Only the public numbers are of interest. Certificates are not checked
	// here (the URL is what is trusted), so an odd one must do no harm.
	jwk, err := jwkset.NewJWKFromMarshal(jwkset.JWKMarshal{
		KTY: fields.KTY, CRV: fields.CRV, X: fields.X, Y: fields.Y, N: fields.N, E: fields.E,
	}, jwkset.JWKMarshalOptions{}, jwkset.JWKValidateOptions{})
	if err != nil {
		return remoteKey{}, err
	}
	alg, err := algorithmOf(jwk.Key())
	if err != nil {
		return remoteKey{}, err
	}
	if fields.ALG != "" && fields.ALG.String() != alg {
		return remoteKey{}, fmt.Errorf("its alg is %.20q, not %s", fields.ALG, alg)
	}
	return remoteKey{alg: alg, key: jwk.Key()}, nil
}

func mayVerify(ops []jwkset.KEYOPS) bool {
	for _, op := range ops {
		if op == jwkset.KeyOpsVerify {
			return true
		}
	}
	return len(ops) == 0
}

// maxCandidates bounds the keys that one token is tried with: a signature that fits
// none of them costs as many checks.
const maxCandidates = 8

// lookup finds the keys that a token may be signed with: those of its kid; all, if
// the token names none or the issuer names none of its keys. known is false when
// fetching the set again could help.
func (s *keySet) lookup(kid, alg string) (key any, known bool, err error) {
	candidates := s.keys[kid]
	_, unnamed := s.keys[""]
	if kid == "" || unnamed && len(s.keys) == 1 {
		candidates = nil
		for _, keys := range s.keys {
			candidates = append(candidates, keys...)
		}
	}
	var found []jwt.VerificationKey
	for _, one := range candidates {
		if one.alg == alg {
			found = append(found, one.key)
		}
	}
	switch {
	case len(found) == 1:
		return found[0], true, nil
	case len(found) > maxCandidates:
		return nil, true, fmt.Errorf("%w: %d keys could be meant by kid %.100q, more than are tried", ErrUnknownKey, len(found), kid)
	case len(found) > 1:
		return jwt.VerificationKeySet{Keys: found}, true, nil
	case len(candidates) > 0 && kid != "":
		return nil, true, fmt.Errorf("%w: %s with key %.100q", ErrAlgorithm, alg, kid)
	default:
		return nil, false, fmt.Errorf("%w: no key %.100q", ErrUnknownKey, kid)
	}
}

// usable is how many keys check tokens.
func (s *keySet) usable() (n int) {
	for _, keys := range s.keys {
		for _, key := range keys {
			if key.alg != "" {
				n++
			}
		}
	}
	return n
}
