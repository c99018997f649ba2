package auth

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
)

// Derive makes a key for one purpose of a secret: what is made with one tells nothing of
// the others, nor of the secret.
func Derive(secret []byte, purpose string) []byte {
	m := hmac.New(sha256.New, secret)
	m.Write([]byte(purpose))
	return m.Sum(nil)
}

// Proof shows that its maker has the secret that tokens are signed with, to whoever has
// made up the challenge and has the secret too. The port is that of the connection: a
// program that took another port cannot pass the question on.
func Proof(secret []byte, challenge, port string) string {
	return base64.RawURLEncoding.EncodeToString(Derive(Derive(secret, "proof of a service 1"), port+" "+challenge))
}

// CheckProof compares in constant time.
func CheckProof(secret []byte, challenge, port, proof string) bool {
	return hmac.Equal([]byte(proof), []byte(Proof(secret, challenge, port)))
}
