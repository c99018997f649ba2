package httpapi_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/app"
	"github.com/creativeflow/aigen/internal/httpapi"
)

// TestReplayedCallbacks: whoever has listened in on a callback can send it again, at any
// later state of the generation, and changes nothing by it. Job tokens have no end of
// their own: they are good for one job, and a job reports once.
func TestReplayedCallbacks(t *testing.T) {
	t.Parallel()
	f := setup(t)
	id := f.create()
	generation, err := aigen.ParseID(id)
	require.NoError(t, err)
	job := f.job(id)
	heard, err := json.Marshal(samplesReport(id, job))
	require.NoError(t, err)
	token := []string{"Authorization", "Bearer " + f.tokens.Make(generation, job)}
	signature := signed(t, secret, time.Now(), heard)
	f.call(http.MethodPost, callbacks, heard, token...).is(http.StatusOK)

	replay := func(when, outcome string) {
		t.Helper()
		before := f.state(id)
		for _, proof := range [][]string{token, signature} {
			assert.Equal(t, outcome, f.call(http.MethodPost, callbacks, heard, proof...).is(http.StatusOK).json()["outcome"], when)
		}
		assert.Equal(t, before, f.state(id), when)
	}
	replay("while it waits for a choice", "duplicate")
	f.call(http.MethodPost, base+"/"+id+"/regenerate-samples", object{}).is(http.StatusAccepted)
	replay("while new samples are made", "duplicate")
	f.report(samplesReport(id, f.job(id))).is(http.StatusOK)
	f.call(http.MethodPost, base+"/"+id+"/select-sample", object{"sampleId": "s1"}).is(http.StatusAccepted)
	replay("while the final is made", "duplicate")
	f.report(finalReport(id, f.job(id))).is(http.StatusOK)
	replay("after the end", "duplicate")

	// A job that never reported and was replaced has no say either.
	id = f.create()
	dropped := f.job(id)
	failure := object{
		"generationId": id, "jobId": dropped.String(), "status": "failure", "stage": "samples_generated",
		"error": object{"code": "busy", "message": "Busy.", "retryable": true},
	}
	f.report(failure).is(http.StatusOK)
	require.NotEqual(t, dropped, f.job(id), "the stage was dispatched again")
	before := f.state(id)
	assert.Equal(t, "stale", f.report(samplesReport(id, dropped)).is(http.StatusOK).json()["outcome"])
	assert.Equal(t, before, f.state(id))
}

// TestTokensAreOfOneJob: a token is of no use for another job of the same generation,
// for another generation of the same user, or with another body's ids.
func TestTokensAreOfOneJob(t *testing.T) {
	t.Parallel()
	f := setup(t)
	one, two := f.create(), f.create()
	first := f.job(one)
	f.report(object{
		"generationId": one, "jobId": first.String(), "status": "failure", "stage": "samples_generated",
		"error": object{"code": "busy", "message": "Busy.", "retryable": true},
	}).is(http.StatusOK)
	generation, err := aigen.ParseID(one)
	require.NoError(t, err)
	old := f.tokens.Make(generation, first)
	before := f.state(one) + f.state(two)
	for name, report := range map[string]object{
		"the job that came after it":  samplesReport(one, f.job(one)),
		"another generation's job":    samplesReport(two, f.job(two)),
		"another generation, its job": samplesReport(two, first),
	} {
		f.call(http.MethodPost, callbacks, report, "Authorization", "Bearer "+old).problem(http.StatusForbidden, "invalid_proof")
		assert.Equal(t, before, f.state(one)+f.state(two), name)
	}
	// Each part of the token changed by one bit.
	for i := range old {
		forged := []byte(old)
		if forged[i]++; forged[i] == '{' || forged[i] == ':' || forged[i] == '[' || forged[i] == '.' || forged[i] == '`' {
			forged[i] = 'A'
		}
		if string(forged) == old {
			continue
		}
		f.call(http.MethodPost, callbacks, samplesReport(one, first), "Authorization", "Bearer "+string(forged)).
			problem(http.StatusForbidden, "invalid_proof")
	}
	assert.Equal(t, before, f.state(one)+f.state(two))
}

// TestSignatureOfAnotherMessage: a signature is over the id, the moment and each byte
// of the body.
func TestSignatureOfAnotherMessage(t *testing.T) {
	t.Parallel()
	f := setup(t)
	id := f.create()
	body, err := json.Marshal(samplesReport(id, f.job(id)))
	require.NoError(t, err)
	good := signed(t, secret, time.Now(), body)
	swap := func(name, value string) []string { return append(append([]string{}, good...), name, value) }
	refused := map[string][]string{
		"another id":           swap("webhook-id", "msg_2"),
		"the next second":      swap("webhook-timestamp", timestamp(time.Now().Add(time.Second))),
		"an old moment":        signed(t, secret, time.Now().Add(-5*time.Minute-2*time.Second), body),
		"a moment to come":     signed(t, secret, time.Now().Add(5*time.Minute+5*time.Second), body),
		"an id with the dot":   swap("webhook-id", "msg_1."+timestamp(time.Now())),
		"no version":           swap("webhook-signature", good[len(good)-1][3:]),
		"a version to come":    swap("webhook-signature", "v2"+good[len(good)-1][2:]),
		"an asymmetric one":    swap("webhook-signature", "v1a"+good[len(good)-1][2:]),
		"a secret taken away":  signed(t, "a secret that was rotated out", time.Now(), body),
		"of no secret at all":  swap("webhook-signature", "v1,AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="),
		"seventeenth of lines": swap("webhook-signature", seventeenth(good[len(good)-1])),
	}
	before := f.state(id)
	for name, headers := range refused {
		f.call(http.MethodPost, callbacks, body, headers...).problem(http.StatusForbidden, "invalid_proof")
		assert.Equal(t, before, f.state(id), name)
	}
	for i := range body {
		other := append([]byte{}, body...)
		other[i] ^= 1
		f.call(http.MethodPost, callbacks, other, good...).problem(http.StatusForbidden, "invalid_proof")
	}
	assert.Equal(t, before, f.state(id))
	f.call(http.MethodPost, callbacks, body, good...).is(http.StatusOK)
}

func timestamp(at time.Time) string { return strconv.FormatInt(at.Unix(), 10) }

// seventeenth puts a good signature behind sixteen others, which is more than are looked
// at.
func seventeenth(good string) (all string) {
	for range 16 {
		all += "v1,x "
	}
	return all + good
}

// TestRotation goes through the steps of docs/operations.md: at each of them what the
// other replicas and the engine hold is good, and what was taken away is not.
func TestRotation(t *testing.T) {
	t.Parallel()
	const old, fresh = "the old secret of callbacks", "the new secret of callbacks"
	keys := map[string]*app.JobTokens{}
	for _, s := range []string{old, fresh} {
		k, err := app.NewJobTokens([]byte(s))
		require.NoError(t, err)
		keys[s] = k
	}
	for _, step := range []struct {
		secrets []string
		good    []string
	}{
		{[]string{old}, []string{old}},
		{[]string{old, fresh}, []string{old, fresh}},
		{[]string{fresh, old}, []string{old, fresh}},
		{[]string{fresh}, []string{fresh}},
	} {
		f := setup(t, func(c *httpapi.Config) {
			c.CallbackSecrets = step.secrets
			var texts [][]byte
			for _, s := range step.secrets {
				texts = append(texts, []byte(s))
			}
			var err error
			c.Tokens, err = app.NewJobTokens(texts...)
			require.NoError(t, err)
		})
		for _, s := range []string{old, fresh} {
			want := http.StatusForbidden
			for _, good := range step.good {
				if s == good {
					want = http.StatusOK
				}
			}
			for _, kind := range []string{"token", "secret", "signature"} {
				id := f.create()
				generation, err := aigen.ParseID(id)
				require.NoError(t, err)
				body, err := json.Marshal(samplesReport(id, f.job(id)))
				require.NoError(t, err)
				proof := map[string][]string{
					"token":     {"Authorization", "Bearer " + keys[s].Make(generation, f.job(id))},
					"secret":    {"Authorization", "", "X-N8N-Webhook-Secret", s},
					"signature": signed(t, s, time.Now(), body),
				}[kind]
				assert.Equal(t, want, f.call(http.MethodPost, callbacks, body, proof...).StatusCode, "%v: %s by %q", step.secrets, kind, s)
			}
		}
	}
}

// TestAProofThatIsNotOne beside a good one does not spoil it, and a good one for
// something else does not lend its weight.
func TestAProofThatIsNotOne(t *testing.T) {
	t.Parallel()
	f := setup(t)
	id, other := f.create(), f.create()
	generation, err := aigen.ParseID(id)
	require.NoError(t, err)
	token := "Bearer " + f.tokens.Make(generation, f.job(id))
	// A token for one generation and a wrong secret: the report on another is refused.
	f.call(http.MethodPost, callbacks, samplesReport(other, f.job(other)), "Authorization", token, "X-N8N-Webhook-Secret", "wrong").
		problem(http.StatusForbidden, "invalid_proof")
	report := samplesReport(other, f.job(other))
	maps.Copy(report, object{"generationId": id})
	f.call(http.MethodPost, callbacks, report, "Authorization", token, "Webhook-Signature", "v1,AAAA").problem(http.StatusForbidden, "invalid_proof")
	assert.Equal(t, "ProcessingSamples", f.call(http.MethodGet, base+"/"+other, nil).json()["status"])
	f.call(http.MethodPost, callbacks, samplesReport(id, f.job(id)), "Authorization", token, "X-N8N-Webhook-Secret", "wrong").is(http.StatusOK)
}
