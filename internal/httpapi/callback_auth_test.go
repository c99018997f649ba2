package httpapi_test

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/app"
	"github.com/creativeflow/aigen/internal/httpapi"
	"github.com/creativeflow/aigen/internal/webhooksig"
)

// signed are the headers of a signature over body.
func signed(t testing.TB, key string, at time.Time, body []byte) []string {
	t.Helper()
	s, err := webhooksig.ParseSecret(key)
	require.NoError(t, err)
	return []string{
		"Authorization", "", "webhook-id", "msg_1", "webhook-timestamp", strconv.FormatInt(at.Unix(), 10),
		"webhook-signature", webhooksig.Sign(s, "msg_1", at, body),
	}
}

func TestProofs(t *testing.T) {
	t.Parallel()
	f := setup(t)
	for name, headers := range map[string]func(id aigen.ID, job aigen.ID, body []byte) []string{
		"token": func(id, job aigen.ID, _ []byte) []string {
			return []string{"Authorization", "bearer " + f.tokens.Make(id, job)}
		},
		"secret": func(aigen.ID, aigen.ID, []byte) []string {
			return []string{"Authorization", "", "X-N8N-Webhook-Secret", secret}
		},
		"older secret": func(aigen.ID, aigen.ID, []byte) []string {
			return []string{"Authorization", "", "X-N8N-Webhook-Secret", "an older secret"}
		},
		"signature": func(_, _ aigen.ID, b []byte) []string { return signed(t, secret, time.Now(), b) },
		"older signature": func(_, _ aigen.ID, b []byte) []string {
			return signed(t, "an older secret", time.Now().Add(-4*time.Minute), b)
		},
		"secret beside another's token": func(aigen.ID, aigen.ID, []byte) []string {
			return []string{"Authorization", "Bearer " + tokenOf(f.user), "X-N8N-Webhook-Secret", secret}
		},
	} {
		id := f.create()
		generation, err := aigen.ParseID(id)
		require.NoError(t, err)
		job := f.job(id)
		body, err := json.Marshal(samplesReport(id, job))
		require.NoError(t, err)
		a := f.call(http.MethodPost, callbacks, body, headers(generation, job, body)...).is(http.StatusOK)
		assert.Equal(t, "applied", a.json()["outcome"], name)
	}
}

func TestNoAndWrongProofs(t *testing.T) {
	t.Parallel()
	f := setup(t)
	id := f.create()
	generation, err := aigen.ParseID(id)
	require.NoError(t, err)
	job := f.job(id)
	report := samplesReport(id, job)
	body, err := json.Marshal(report)
	require.NoError(t, err)
	forger, err := app.NewJobTokens([]byte("a guess"))
	require.NoError(t, err)

	for _, none := range [][]string{{"Authorization", ""}, {"Authorization", "Basic eDp5"}} {
		a := f.call(http.MethodPost, callbacks, body, none...)
		a.problem(http.StatusUnauthorized, "missing_proof")
		assert.NotEmpty(t, a.Header.Get("WWW-Authenticate"))
	}
	now := time.Now()
	wrong := map[string][]string{
		"user's token":       {"Authorization", "Bearer " + tokenOf(f.user)},
		"empty token":        {"Authorization", "Bearer "},
		"forged token":       {"Authorization", "Bearer " + forger.Make(generation, job)},
		"other generation":   {"Authorization", "Bearer " + f.tokens.Make(newID(), job)},
		"token of other job": {"Authorization", "Bearer " + f.tokens.Make(generation, newID())},
		"wrong secret":       {"Authorization", "", "X-N8N-Webhook-Secret", secret + "x"},
		"prefix of secret":   {"Authorization", "", "X-N8N-Webhook-Secret", secret[:5]},
		"wrong key":          signed(t, "a guess", now, body),
		"other body":         signed(t, secret, now, append(body, ' ')),
		"too old":            signed(t, secret, now.Add(-6*time.Minute), body),
		"from the future":    signed(t, secret, now.Add(6*time.Minute), body),
		"no timestamp":       append(signed(t, secret, now, body), "webhook-timestamp", ""),
		"nonsense":           append(signed(t, secret, now, body), "webhook-signature", "v1,nonsense"),
	}
	for name, headers := range wrong {
		where := f.call(http.MethodPost, callbacks, body, headers...).problem(http.StatusForbidden, "invalid_proof")
		assert.Empty(t, where, name)
		// Nothing is told of what exists to one who cannot prove anything.
		other := samplesReport(newID().String(), job)
		f.call(http.MethodPost, callbacks, other, headers...).problem(http.StatusForbidden, "invalid_proof")
	}
	assert.Equal(t, "ProcessingSamples", f.call(http.MethodGet, base+"/"+id, nil).json()["status"])
	assert.NotContains(t, f.log.String(), secret)
	assert.NotContains(t, f.log.String(), f.tokens.Make(generation, job))
}

func TestProofOfAnUnknownGeneration(t *testing.T) {
	t.Parallel()
	f := setup(t)
	f.report(samplesReport(newID().String(), newID())).problem(http.StatusNotFound, "not_found")
	id := f.create()
	f.report(samplesReport(id, newID())).problem(http.StatusNotFound, "unknown_job")
}

func TestTokenStandsForTheJob(t *testing.T) {
	t.Parallel()
	f := setup(t)
	id := f.create()
	generation, _ := aigen.ParseID(id)
	old := f.tokens.Make(generation, f.job(id))
	report := samplesReport(id, f.job(id))
	delete(report, "jobId")
	assert.Equal(t, "applied", f.call(http.MethodPost, callbacks, report, "Authorization", "Bearer "+old).is(http.StatusOK).json()["outcome"])
	f.call(http.MethodPost, base+"/"+id+"/regenerate-samples", object{}).is(http.StatusAccepted)
	// Without the token's job this would settle the new one.
	assert.Equal(t, "duplicate", f.call(http.MethodPost, callbacks, report, "Authorization", "Bearer "+old).is(http.StatusOK).json()["outcome"])
}

func TestCallbackSecurityOff(t *testing.T) {
	t.Parallel()
	f := setup(t, func(c *httpapi.Config) {
		c.CallbackSecurity, c.CallbackSecrets, c.Tokens = false, nil, nil
	})
	for _, headers := range [][]string{{"Authorization", ""}, {"Authorization", "Bearer wrong"}, {"X-N8N-Webhook-Secret", "wrong"}} {
		id := f.create()
		f.call(http.MethodPost, callbacks, samplesReport(id, f.job(id)), headers...).is(http.StatusOK)
	}
}

func TestCallbackForm(t *testing.T) {
	t.Parallel()
	f := setup(t)
	proof := []string{"Authorization", "", "X-N8N-Webhook-Secret", secret}
	f.call(http.MethodPost, callbacks, "{", proof...).problem(400, "malformed_json")
	f.call(http.MethodPost, callbacks, "", proof...).problem(400, "empty_body")
	f.call(http.MethodPost, callbacks, "{\"a\":\"\xff\"}", proof...).problem(400, "invalid_utf8")
	f.call(http.MethodPost, callbacks, strings.Repeat("[", 1000), proof...).problem(400, "nesting_too_deep")
	f.call(http.MethodPost, callbacks, `{"jobId":1,"jobId":2}`, proof...).problem(400, "duplicate_key")
	f.call(http.MethodPost, callbacks, strings.Repeat(" ", 1<<20+1), proof...).problem(413, "body_too_large")
	f.call(http.MethodPost, callbacks, "{}", append(proof, "Content-Type", "text/plain")...).problem(415, "unsupported_media_type")
	token := []string{"Authorization", "Bearer " + f.tokens.Make(newID(), newID())}
	assert.Equal(t, []string{"body.generationId"}, f.call(http.MethodPost, callbacks, "{}", token...).problem(422, "invalid_input"))
}
