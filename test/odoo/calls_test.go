//go:build odoo

package odoo

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/app"
	"github.com/creativeflow/aigen/internal/odoo"
	"github.com/creativeflow/aigen/internal/testprogram"
)

func mainOfProgram(m *testing.M) int { return testprogram.Main(m) }

// rawAnswer is an answer as it came.
type rawAnswer struct {
	status int
	header http.Header
	body   string
}

var rawClient = &http.Client{
	Timeout:       30 * time.Second,
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

// raw calls a route of the addon, past the service's client. Headers replace its own.
func (s *server) raw(method, path string, body []byte, header ...string) (rawAnswer, error) {
	req, err := http.NewRequest(method, s.url+"/api/v1/credits/"+path, bytes.NewReader(body))
	if err != nil {
		return rawAnswer{}, err
	}
	req.Header.Set("Authorization", "Bearer "+apiKey)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-Odoo-Database", database)
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := rawClient.Do(req)
	if err != nil {
		return rawAnswer{}, err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	return rawAnswer{res.StatusCode, res.Header, string(b)}, err
}

// client is the service's own. It waits longer than by default: this machine may be busy.
func (s *server) client(t *testing.T, change func(*odoo.Config)) *odoo.Service {
	t.Helper()
	c := odoo.Config{BaseURL: s.url, Key: apiKey, Database: database, Timeout: time.Minute}
	if change != nil {
		change(&c)
	}
	client, err := odoo.New(c)
	require.NoError(t, err)
	t.Cleanup(client.Close)
	return client
}

// alone makes a client send every operation by itself.
func alone(c *odoo.Config) { c.Limits.BatchSize, c.Limits.Batches = 1, 16 }

// manager is an administrator in Odoo's own web client.
type manager struct {
	t      *testing.T
	url    string
	client *http.Client
}

func (s *server) manager(t *testing.T) *manager {
	t.Helper()
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	m := &manager{t: t, url: s.url, client: &http.Client{Jar: jar, Timeout: time.Minute}}
	var session struct{ UID int }
	m.rpc("/web/session/authenticate", map[string]any{"db": database, "login": "admin", "password": "admin"}, &session)
	require.Positive(t, session.UID)
	return m
}

func (m *manager) rpc(path string, params any, result any) {
	m.t.Helper()
	body, err := json.Marshal(map[string]any{"jsonrpc": "2.0", "method": "call", "params": params})
	require.NoError(m.t, err)
	req, err := http.NewRequest(http.MethodPost, m.url+path, bytes.NewReader(body))
	require.NoError(m.t, err)
	req.Header.Set("Content-Type", "application/json")
	res, err := m.client.Do(req)
	require.NoError(m.t, err)
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	require.NoError(m.t, err)
	var answer struct{ Result, Error json.RawMessage }
	require.NoError(m.t, json.Unmarshal(raw, &answer), "%s", raw)
	require.Empty(m.t, answer.Error, "%s", answer.Error)
	require.NoError(m.t, json.Unmarshal(answer.Result, result), "%s", answer.Result)
}

// call calls a method of a model, as buttons do.
func (m *manager) call(model, method string, result any, args ...any) {
	m.t.Helper()
	m.rpc("/web/dataset/call_kw/"+model+"/"+method, map[string]any{
		"model": model, "method": method, "args": append([]any{}, args...), "kwargs": map[string]any{},
	}, result)
}

// newUsers are people with this many credits each.
func (m *manager) newUsers(n int, credits string) []aigen.ID {
	m.t.Helper()
	users := make([]aigen.ID, n)
	for i := range users {
		users[i] = newID()
		m.grant(users[i], credits)
	}
	return users
}

func (m *manager) grant(user aigen.ID, credits string) {
	m.t.Helper()
	var form int
	m.call("creativeflow.credit.grant", "create", &form, map[string]any{
		"user_uuid": user.String(), "amount": json.Number(credits), "note": "for a test",
	})
	var action map[string]any
	m.call("creativeflow.credit.grant", "action_grant", &action, []int{form})
}

// audit asks the addon for what breaks its rules, in Odoo's own database.
func (m *manager) audit() {
	m.t.Helper()
	var broken []any
	m.call("creativeflow.credit.account", "audit", &broken)
	require.Empty(m.t, broken)
}

func newID() aigen.ID { return aigen.ID(uuid.New()) }

func newOperation(user aigen.ID, amount aigen.Credits) app.CreditOperation {
	return app.CreditOperation{UserID: user, GenerationID: newID(), Reference: newID(), Amount: amount}
}

// account reads an account from Odoo's database, in hundredths.
func (s *server) account(t *testing.T, user aigen.ID) (balance, reserved aigen.Credits) {
	t.Helper()
	row := s.db.QueryRow(`SELECT (balance * 100)::bigint, (reserved * 100)::bigint FROM creativeflow_credit_account WHERE user_uuid = $1`,
		user.String())
	require.NoError(t, row.Scan(&balance, &reserved))
	return balance, reserved
}

// state reads what became of a reservation, "" if there is none.
func (s *server) state(t *testing.T, reference aigen.ID) (state string) {
	t.Helper()
	rows, err := s.db.Query(`SELECT state FROM creativeflow_credit_reservation WHERE reference = $1`, reference.String())
	require.NoError(t, err)
	defer rows.Close()
	for rows.Next() {
		require.Empty(t, state, "one reservation a reference")
		require.NoError(t, rows.Scan(&state))
	}
	require.NoError(t, rows.Err())
	return state
}

// patient is a context for one call.
func patient(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 2*time.Minute)
	t.Cleanup(cancel)
	return ctx
}

func describe(err error) string { return fmt.Sprintf("%v", err) }
