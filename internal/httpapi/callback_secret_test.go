package httpapi_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/creativeflow/aigen/internal/httpapi"
)

// A command asks who listens at the address of its service before it sends a token there.
func TestAServiceAnswersAChallenge(t *testing.T) {
	t.Parallel()
	f := setup(t, func(c *httpapi.Config) {
		c.Prove = func(challenge, port string) string { return challenge + " at " + port }
	})
	port := f.URL[strings.LastIndexByte(f.URL, ':')+1:]
	a := f.call(http.MethodGet, "/healthz", nil, "Authorization", "", httpapi.ChallengeHeader, "abc").is(http.StatusOK)
	assert.Equal(t, "abc at "+port, a.Header.Get(httpapi.ProofHeader), "the port is that of the connection")
	for _, challenge := range []string{"", strings.Repeat("x", 65)} {
		a := f.call(http.MethodGet, "/healthz", nil, "Authorization", "", httpapi.ChallengeHeader, challenge).is(http.StatusOK)
		assert.Empty(t, a.Header.Get(httpapi.ProofHeader))
	}
	a = setup(t).call(http.MethodGet, "/healthz", nil, "Authorization", "", httpapi.ChallengeHeader, "abc").is(http.StatusOK)
	assert.Empty(t, a.Header.Get(httpapi.ProofHeader), "there is no secret to prove")
}
