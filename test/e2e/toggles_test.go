package e2e

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Each toggle of the contract, in both positions, on the real program.

func TestToggleCallbackSecurity(t *testing.T) {
	t.Parallel()
	for _, secured := range []bool{true, false} {
		t.Run(fmt.Sprint(secured), func(t *testing.T) {
			t.Parallel()
			e := webhookEngine(t)
			p := start(t, t.TempDir(), map[string]string{
				"N8N_WEBHOOK_URL": e.url, "ENABLE_N8N_CALLBACK_SECURITY": fmt.Sprint(secured),
			})
			u := newUser(t)
			a, err := u.create(p.url, "", "a fox")
			require.NoError(t, err)
			j := e.next(t)
			require.Equal(t, a.GenerationID, j.GenerationID)
			for _, try := range []struct {
				name, header, value string
				refused             int
			}{
				{"no proof", "", "", http.StatusUnauthorized},
				{"another token", "Authorization", "Bearer nonsense", http.StatusForbidden},
				{"another secret", "X-N8N-Webhook-Secret", "not the secret", http.StatusForbidden},
				{"the secret", "X-N8N-Webhook-Secret", callbackSecret, 0},
			} {
				status, body, err := j.report(map[string]any{"status": "success", "stage": "progress", "results": map[string]any{"progress": 1}},
					try.header, try.value)
				require.NoError(t, err)
				want := http.StatusOK
				if secured && try.refused != 0 {
					want = try.refused
				}
				assert.Equal(t, want, status, "%s: %s", try.name, body)
			}
			status, body, err := j.report(j.success())
			require.NoError(t, err)
			require.Equal(t, http.StatusOK, status, body)
			u.until(t, p.url, j.GenerationID, "AwaitingSelection")
		})
	}
}

func TestToggleSyncCreditCheck(t *testing.T) {
	t.Parallel()
	for _, sync := range []bool{true, false} {
		t.Run(fmt.Sprint(sync), func(t *testing.T) {
			t.Parallel()
			p := start(t, t.TempDir(), map[string]string{
				"USE_SYNC_CREDIT_CHECK": fmt.Sprint(sync), "LEDGER_INITIAL_CREDITS": "0.75",
			})
			u := newUser(t)
			a, err := u.create(p.url, "", "can be paid")
			require.NoError(t, err)
			require.Equal(t, http.StatusAccepted, a.HTTP, "%s", a.raw)
			if sync {
				assert.Equal(t, "ProcessingSamples", a.Status, "reserved before the answer")
			} else {
				assert.Equal(t, "Pending", a.Status, "reserved after it")
			}
			u.until(t, p.url, a.GenerationID, "AwaitingSelection")

			a, err = u.create(p.url, "", "cannot be paid")
			require.NoError(t, err)
			if sync {
				assert.Equal(t, http.StatusPaymentRequired, a.HTTP)
				assert.Equal(t, "insufficient_credits", a.Code)
				return
			}
			require.Equal(t, http.StatusAccepted, a.HTTP, "%s", a.raw)
			eventually(t, "the refusal", func() bool {
				g, err := u.get(p.url, a.GenerationID)
				require.NoError(t, err)
				return g.Status == "Failed" && g.Credits.Reserved == "0.00"
			})
			eventually(t, "word to the user", func() bool { return contains(p, `"type":"credits_insufficient"`) })
		})
	}
}

func TestContentRejectedPolicy(t *testing.T) {
	t.Parallel()
	for policy, left := range map[string]string{"refund": "1000000.00", "charge": "999999.50"} {
		t.Run(policy, func(t *testing.T) {
			t.Parallel()
			e := webhookEngine(t)
			p := start(t, t.TempDir(), map[string]string{"N8N_WEBHOOK_URL": e.url, "CONTENT_REJECTED_POLICY": policy})
			u := newUser(t)
			_, err := u.create(p.url, "", "a fox")
			require.NoError(t, err)
			j := e.next(t)
			status, body, err := j.report(rejected())
			require.NoError(t, err)
			require.Equal(t, http.StatusOK, status, body)
			g, err := u.get(p.url, j.GenerationID)
			require.NoError(t, err)
			require.Equal(t, "ContentRejected", g.Status)
			a, err := u.call(http.MethodGet, p.url+"/api/v1/credits", "", nil)
			require.NoError(t, err)
			assert.Equal(t, left, a.Available)
			assert.Equal(t, "0.00", a.Reserved)
		})
	}
}

func TestToggleDetailedLogging(t *testing.T) {
	t.Parallel()
	for _, detailed := range []bool{true, false} {
		t.Run(fmt.Sprint(detailed), func(t *testing.T) {
			t.Parallel()
			p := start(t, t.TempDir(), map[string]string{"ENABLE_DETAILED_LOGGING": fmt.Sprint(detailed), "LOG_LEVEL": "debug"})
			u := newUser(t)
			a, err := u.create(p.url, "", "a very secret fox")
			require.NoError(t, err)
			u.until(t, p.url, a.GenerationID, "AwaitingSelection")
			require.Equal(t, 0, p.stop())
			assert.Equal(t, detailed, contains(p, "a very secret fox"))
			assert.False(t, contains(p, u.token), "tokens never")
			assert.False(t, contains(p, testSecret))
		})
	}
}
