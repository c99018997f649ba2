package client_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/client"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var someGeneration = aigen.ID{1, 2, 3}

// setup serves h and returns an impatient client of it.
func setup(t *testing.T, h http.HandlerFunc, change ...func(*client.Config)) *client.Client {
	t.Helper()
	server := httptest.NewServer(h)
	config := client.Config{
		BaseURL: server.URL, Token: client.Static("secret-token"), CallTimeout: time.Minute,
		MinDelay: time.Millisecond, MaxDelay: 20 * time.Millisecond,
		IdleTimeout: time.Minute, MaxOutage: time.Minute,
	}
	for _, f := range change {
		f(&config)
	}
	c, err := client.New(config)
	require.NoError(t, err)
	t.Cleanup(func() {
		c.CloseIdle()
		server.CloseClientConnections()
		server.Close()
	})
	return c
}

// problem answers with problem+json.
func problem(w http.ResponseWriter, status int, body string) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(body))
}

func flush(w http.ResponseWriter) { _ = http.NewResponseController(w).Flush() }
