package app

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"hash"
	"sync"

	"github.com/creativeflow/aigen"
)

// JobTokens makes and checks the token that a job's callback proves itself with.
// A token is made for one job of one generation: it holds both ids and a MAC over
// them, so that nothing has to be stored, no other job can use it, and it is checked
// before anything else is read. Tokens of the first form, which older versions gave
// out, lack the generation's id; they stay good for the jobs that have them.
type JobTokens struct {
	first, second []*sync.Pool // of a hash for each secret: to make one costs more than to use it
}

// Errors of JobTokens.
var (
	// ErrTokenForm: it does not look like one of our tokens.
	ErrTokenForm = errors.New("not a job token")
	// ErrTokenForged: it was made with another secret or for another generation.
	ErrTokenForged = errors.New("the job token is for another generation or was made with another secret")
	// ErrTokenFirstForm: only with the generation's id can it be checked.
	ErrTokenFirstForm = errors.New("the job token is of the first form")
)

// The sizes of tokens, in bytes: the job's id and a MAC, and before them, in the second
// form, the generation's id.
const (
	firstTokenSize  = 16 + sha256.Size
	secondTokenSize = 16 + firstTokenSize
)

// NewJobTokens uses the first secret to make tokens and all of them to check.
func NewJobTokens(secrets ...[]byte) (*JobTokens, error) {
	t := &JobTokens{}
	for _, s := range secrets {
		if len(s) == 0 {
			return nil, errors.New("a secret for job tokens is empty")
		}
		t.first = append(t.first, tokenKey(s, "aigen job token v1"))
		t.second = append(t.second, tokenKey(s, "aigen job token v2"))
	}
	if len(t.second) == 0 {
		return nil, errors.New("job tokens need a secret")
	}
	return t, nil
}

// tokenKey is a key of its own for each purpose: the secret also signs webhooks, and a
// MAC made for the one must never be valid for the other.
func tokenKey(secret []byte, purpose string) *sync.Pool {
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(purpose))
	key := mac.Sum(nil)
	return &sync.Pool{New: func() any { return hmac.New(sha256.New, key) }}
}

// Make returns the token for a job of a generation, 86 characters of base64url.
func (t *JobTokens) Make(generation, job aigen.ID) string {
	b := append(make([]byte, 0, secondTokenSize), generation[:]...)
	b = append(b, job[:]...)
	b = append(b, jobMAC(t.second[0], generation, job)...)
	return base64.RawURLEncoding.EncodeToString(b)
}

// Open returns what the token was made for; ErrTokenFirstForm if only Verify can tell.
// The comparison takes the same time wherever the token differs.
func (t *JobTokens) Open(token string) (generation, job aigen.ID, err error) {
	b, err := decodeToken(token)
	if err != nil {
		return generation, job, err
	}
	if len(b) == firstTokenSize {
		return generation, job, ErrTokenFirstForm
	}
	generation, job = aigen.ID(b[:16]), aigen.ID(b[16:32])
	if !anyMAC(t.second, generation, job, b[32:]) {
		return aigen.ID{}, aigen.ID{}, ErrTokenForged
	}
	return generation, job, nil
}

// Verify returns the job that a token of either form was made for.
func (t *JobTokens) Verify(generation aigen.ID, token string) (aigen.ID, error) {
	made, job, err := t.Open(token)
	switch {
	case errors.Is(err, ErrTokenFirstForm):
		return t.verifyFirst(generation, token)
	case err != nil:
		return aigen.ID{}, err
	case made != generation:
		return aigen.ID{}, ErrTokenForged
	}
	return job, nil
}

func (t *JobTokens) verifyFirst(generation aigen.ID, token string) (aigen.ID, error) {
	b, err := decodeToken(token)
	if err != nil {
		return aigen.ID{}, err
	}
	job := aigen.ID(b[:16])
	if !anyMAC(t.first, generation, job, b[16:]) {
		return aigen.ID{}, ErrTokenForged
	}
	return job, nil
}

func decodeToken(token string) ([]byte, error) {
	b, err := strictBase64.DecodeString(token)
	// The length of the text too: the decoder skips line breaks, and a token has one spelling.
	known := len(b) == firstTokenSize || len(b) == secondTokenSize
	if err != nil || !known || len(token) != base64.RawURLEncoding.EncodedLen(len(b)) {
		return nil, ErrTokenForm
	}
	return b, nil
}

var strictBase64 = base64.RawURLEncoding.Strict()

// anyMAC reports whether got was made with one of the keys. It tries all of them.
func anyMAC(keys []*sync.Pool, generation, job aigen.ID, got []byte) bool {
	ok := false
	for _, key := range keys {
		if hmac.Equal(got, jobMAC(key, generation, job)) {
			ok = true
		}
	}
	return ok
}

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
