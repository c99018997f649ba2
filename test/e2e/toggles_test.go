package e2e

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen/internal/testprogram"
)

// Each toggle of the contract, in both positions, on the real program.

func TestToggleCallbackSecurity(t *testing.T) {
	t.Parallel()
	for _, secured := range []bool{true, false} {
		t.Run(fmt.Sprint(secured), func(t *testing.T) {
			t.Parallel()
			e := testprogram.WebhookEngine(t)
			p := testprogram.Start(t, t.TempDir(), map[string]string{
				"N8N_WEBHOOK_URL": e.URL, "ENABLE_N8N_CALLBACK_SECURITY": fmt.Sprint(secured),
			})
			u := testprogram.NewUser(t)
			a, err := u.Create(p.URL, "", "a fox")
			require.NoError(t, err)
			j := e.Next(t)
			require.Equal(t, a.GenerationID, j.GenerationID)
			for _, try := range []struct {
				name, header, value string
				refused             int
			}{
				{"no proof", "", "", http.StatusUnauthorized},
				{"another token", "Authorization", "Bearer nonsense", http.StatusForbidden},
				{"another secret", "X-N8N-Webhook-Secret", "not the secret", http.StatusForbidden},
				{"the secret", "X-N8N-Webhook-Secret", testprogram.CallbackSecret, 0},
			} {
				status, body, err := j.Report(map[string]any{"status": "success", "stage": "progress", "results": map[string]any{"progress": 1}},
					try.header, try.value)
				require.NoError(t, err)
				want := http.StatusOK
				if secured && try.refused != 0 {
					want = try.refused
				}
				assert.Equal(t, want, status, "%s: %s", try.name, body)
			}
			status, body, err := j.Report(j.Success())
			require.NoError(t, err)
			require.Equal(t, http.StatusOK, status, body)
			u.Until(t, p.URL, j.GenerationID, "AwaitingSelection")
		})
	}
}

func TestToggleSyncCreditCheck(t *testing.T) {
	t.Parallel()
	for _, sync := range []bool{true, false} {
		t.Run(fmt.Sprint(sync), func(t *testing.T) {
			t.Parallel()
			p := testprogram.Start(t, t.TempDir(), map[string]string{
				"USE_SYNC_CREDIT_CHECK": fmt.Sprint(sync), "LEDGER_INITIAL_CREDITS": "0.75",
			})
			u := testprogram.NewUser(t)
			a, err := u.Create(p.URL, "", "can be paid")
			require.NoError(t, err)
			require.Equal(t, http.StatusAccepted, a.HTTP, "%s", a.Raw)
			if sync {
				assert.Equal(t, "ProcessingSamples", a.Status, "reserved before the answer")
			} else {
				assert.Equal(t, "Pending", a.Status, "reserved after it")
			}
			u.Until(t, p.URL, a.GenerationID, "AwaitingSelection")

			a, err = u.Create(p.URL, "", "cannot be paid")
			require.NoError(t, err)
			if sync {
				assert.Equal(t, http.StatusPaymentRequired, a.HTTP)
				assert.Equal(t, "insufficient_credits", a.Code)
				return
			}
			require.Equal(t, http.StatusAccepted, a.HTTP, "%s", a.Raw)
			testprogram.Eventually(t, "the refusal", func() bool {
				g, err := u.Get(p.URL, a.GenerationID)
				require.NoError(t, err)
				return g.Status == "Failed" && g.Credits.Reserved == "0.00"
			})
			testprogram.Eventually(t, "word to the user", func() bool { return p.Logged(`"type":"credits_insufficient"`) })
		})
	}
}

func TestContentRejectedPolicy(t *testing.T) {
	t.Parallel()
	for policy, left := range map[string]string{"refund": "1000000.00", "charge": "999999.50"} {
		t.Run(policy, func(t *testing.T) {
			t.Parallel()
			e := testprogram.WebhookEngine(t)
			p := testprogram.Start(t, t.TempDir(), map[string]string{"N8N_WEBHOOK_URL": e.URL, "CONTENT_REJECTED_POLICY": policy})
			u := testprogram.NewUser(t)
			_, err := u.Create(p.URL, "", "a fox")
			require.NoError(t, err)
			j := e.Next(t)
			status, body, err := j.Report(testprogram.Rejected())
			require.NoError(t, err)
			require.Equal(t, http.StatusOK, status, body)
			g, err := u.Get(p.URL, j.GenerationID)
			require.NoError(t, err)
			require.Equal(t, "ContentRejected", g.Status)
			a, err := u.Call(http.MethodGet, p.URL+"/api/v1/credits", "", nil)
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
			p := testprogram.Start(t, t.TempDir(), map[string]string{"ENABLE_DETAILED_LOGGING": fmt.Sprint(detailed), "LOG_LEVEL": "debug"})
			u := testprogram.NewUser(t)
			a, err := u.Create(p.URL, "", "a very secret fox")
			require.NoError(t, err)
			u.Until(t, p.URL, a.GenerationID, "AwaitingSelection")
			require.Equal(t, 0, p.Stop())
			assert.Equal(t, detailed, p.Logged("a very secret fox"))
			assert.False(t, p.Logged(u.Token), "tokens never")
			assert.False(t, p.Logged(testprogram.JWTSecret))
		})
	}
}
