package app

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"hash"
	"sync"

	aigen "github.com/creativeflow/aigen-orchestrator"
)

// JobTokens makes and checks the token that a job's callback proves itself with.
// A token is made for one job of one generation: it holds the job's id and a MAC
// over both ids, so that nothing has to be stored and no other job can use it.
type JobTokens struct {
	keys []*sync.Pool // of a hash for each secret: to make one costs more than to use it
}

// Errors of JobTokens.Verify.
var (
	// ErrTokenForm: it does not look like one of our tokens.
	ErrTokenForm = errors.New("not a job token")
	// ErrTokenForged: it was made with another secret or for another generation.
	ErrTokenForged = errors.New("the job token is for another generation or was made with another secret")
)

const jobTokenSize = 16 + sha256.Size

// NewJobTokens uses the first secret to make tokens and all of them to check.
func NewJobTokens(secrets ...[]byte) (*JobTokens, error) {
	t := &JobTokens{}
	for _, s := range secrets {
		if len(s) == 0 {
			return nil, errors.New("a secret for job tokens is empty")
		}
		// A key of its own: the secret also signs webhooks, and a MAC made for
		// the one purpose must never be valid for the other.
		mac := hmac.New(sha256.New, s)
		mac.Write([]byte("aigen job token v1"))
		key := mac.Sum(nil)
		t.keys = append(t.keys, &sync.Pool{New: func() any { return hmac.New(sha256.New, key) }})
	}
	if len(t.keys) == 0 {
		return nil, errors.New("job tokens need a secret")
	}
	return t, nil
}

// Make returns the token for a job of a generation, 64 characters of base64url.
func (t *JobTokens) Make(generation, job aigen.ID) string {
	b := append(make([]byte, 0, jobTokenSize), job[:]...)
	b = append(b, jobMAC(t.keys[0], generation, job)...)
	return base64.RawURLEncoding.EncodeToString(b)
}

// Verify returns the job that the token was made for. The comparison takes the
// same time wherever the token differs.
func (t *JobTokens) Verify(generation aigen.ID, token string) (aigen.ID, error) {
	b, err := decodeToken(token)
	if err != nil {
		return aigen.ID{}, err
	}
	job := aigen.ID(b[:16])
	ok := false
	for _, key := range t.keys {
		if hmac.Equal(b[16:], jobMAC(key, generation, job)) {
			ok = true
		}
	}
	if !ok {
		return aigen.ID{}, ErrTokenForged
	}
	return job, nil
}

// CheckForm tells what is no token at all (ErrTokenForm), which needs no generation to
// know.
func (t *JobTokens) CheckForm(token string) error {
	_, err := decodeToken(token)
	return err
}

func decodeToken(token string) ([]byte, error) {
	b, err := strictBase64.DecodeString(token)
	// The length of the text too: the decoder skips line breaks, and a token has one spelling.
	if err != nil || len(b) != jobTokenSize || len(token) != base64.RawURLEncoding.EncodedLen(jobTokenSize) {
		return nil, ErrTokenForm
	}
	return b, nil
}

var strictBase64 = base64.RawURLEncoding.Strict()

func jobMAC(key *sync.Pool, generation, job aigen.ID) []byte {
	mac, ok := key.Get().(hash.Hash)
	if !ok {
		panic("app: a pool of hashes holds something else")
	}
	defer key.Put(mac)
	mac.Reset()
	mac.Write(generation[:])
	mac.Write(job[:])
	return mac.Sum(nil)
}
