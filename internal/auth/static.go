package auth

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"
)

const (
	// MinSecretBytes is what HS256 needs (RFC 7518, 3.2): a shorter secret can
	// be guessed offline from a single token.
	MinSecretBytes = 32
	// minRSABits is from RFC 7518, 3.3; maxRSABits keeps one check cheap.
	minRSABits, maxRSABits = 2048, 8192
)

// staticKey is one key that never changes while the program runs.
type staticKey struct {
	alg string
	key any
}

func newSecretKey(secret []byte) (staticKey, error) {
	if err := checkSecret(secret); err != nil {
		return staticKey{}, err
	}
	return staticKey{alg: "HS256", key: bytes.Clone(secret)}, nil
}

func checkSecret(secret []byte) error {
	if bytes.Contains(secret, []byte("-----BEGIN")) {
		// A public key as an HS256 secret would let everybody sign.
		return errors.New("JWT_SECRET holds a PEM block: put a public key into JWT_PUBLIC_KEY")
	}
	if len(secret) < MinSecretBytes {
		return fmt.Errorf("JWT_SECRET has %d bytes: use at least %d random ones (openssl rand -base64 48)",
			len(secret), MinSecretBytes)
	}
	return nil
}

func newPublicKey(text []byte) (staticKey, error) {
	if !bytes.ContainsRune(text, '\n') {
		// One line in an environment file, with \n written out.
		text = bytes.ReplaceAll(text, []byte(`\n`), []byte("\n"))
	}
	block, rest := pem.Decode(text)
	if block == nil {
		return staticKey{}, errors.New("JWT_PUBLIC_KEY holds no PEM block (-----BEGIN PUBLIC KEY-----)")
	}
	if again, _ := pem.Decode(rest); again != nil {
		return staticKey{}, errors.New("JWT_PUBLIC_KEY holds more than one PEM block: keep one, or serve several keys at JWT_JWKS_URL")
	}
	key, err := parseBlock(block)
	if err != nil {
		return staticKey{}, err
	}
	alg, err := algorithmOf(key)
	if err != nil {
		return staticKey{}, fmt.Errorf("JWT_PUBLIC_KEY: %w", err)
	}
	return staticKey{alg: alg, key: key}, nil
}

func parseBlock(block *pem.Block) (key any, err error) {
	switch {
	case strings.HasSuffix(block.Type, "PRIVATE KEY"):
		return nil, errors.New("JWT_PUBLIC_KEY holds a private key: it belongs to the issuer alone, put the public one here")
	case block.Type == "RSA PUBLIC KEY":
		key, err = x509.ParsePKCS1PublicKey(block.Bytes)
	case block.Type == "CERTIFICATE":
		var cert *x509.Certificate
		if cert, err = x509.ParseCertificate(block.Bytes); err == nil {
			key = cert.PublicKey
		}
	case block.Type == "PUBLIC KEY":
		key, err = x509.ParsePKIXPublicKey(block.Bytes)
	default:
		return nil, fmt.Errorf("JWT_PUBLIC_KEY holds a %.40q: put a PUBLIC KEY here", block.Type)
	}
	if err != nil {
		return nil, fmt.Errorf("JWT_PUBLIC_KEY cannot be read: %w", err)
	}
	return key, nil
}

// algorithmOf gives the one algorithm that a public key is used with: it is
// pinned by the key, not by the token.
func algorithmOf(key any) (string, error) {
	switch key := key.(type) {
	case *rsa.PublicKey:
		if bits := key.N.BitLen(); bits < minRSABits || bits > maxRSABits {
			return "", fmt.Errorf("the RSA key has %d bits: use %d to %d", bits, minRSABits, maxRSABits)
		}
		return "RS256", nil
	case *ecdsa.PublicKey:
		if key.Curve != elliptic.P256() {
			return "", fmt.Errorf("the EC key is on curve %s: use P-256", key.Curve.Params().Name)
		}
		return "ES256", nil
	case ed25519.PublicKey:
		return "EdDSA", nil
	default:
		return "", fmt.Errorf("a %T cannot check tokens: use RSA, EC P-256 or Ed25519", key)
	}
}

func (k staticKey) find(_ context.Context, _, alg string) (key any, version uint64, err error) {
	if alg != k.alg {
		return nil, 0, fmt.Errorf("%w: %.20q, not %s", ErrAlgorithm, alg, k.alg)
	}
	return k.key, 0, nil
}

func (staticKey) current() (version uint64, ok bool) { return 0, true }

func (staticKey) close() {}

// acceptedFromRemote tells whether a key of a JWKS may be for alg. No HMAC: a
// published key is no secret.
func acceptedFromRemote(alg string) bool {
	switch alg {
	case "RS256", "ES256", "EdDSA":
		return true
	}
	return false
}
