package httpapi_test

import (
	"bufio"
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/httpapi"
)

// firstToken is a job's token as version 1 made it.
func firstToken(generation, job aigen.ID) string {
	key := hmac.New(sha256.New, []byte(secret))
	key.Write([]byte("aigen job token v1"))
	mac := hmac.New(sha256.New, key.Sum(nil))
	mac.Write(append(generation[:], job[:]...))
	return base64.RawURLEncoding.EncodeToString(append(job[:], mac.Sum(nil)...))
}

func TestFirstFormOfTokens(t *testing.T) {
	t.Parallel()
	f := setup(t)
	id := f.create()
	generation, err := aigen.ParseID(id)
	require.NoError(t, err)
	job := f.job(id)
	report := samplesReport(id, job)
	for _, token := range []string{firstToken(newID(), job), firstToken(generation, newID()), strings.Repeat("A", 64)} {
		f.call(http.MethodPost, callbacks, report, "Authorization", "Bearer "+token).problem(http.StatusForbidden, "invalid_proof")
	}
	token := "Bearer " + firstToken(generation, job)
	assert.Equal(t, "applied", f.call(http.MethodPost, callbacks, report, "Authorization", token).is(http.StatusOK).json()["outcome"])
}

// TestProofBeforeTheBody: whoever has the wrong proof is told so before the first byte of
// the body, and has nothing kept.
func TestProofBeforeTheBody(t *testing.T) {
	t.Parallel()
	f := setup(t, func(c *httpapi.Config) { c.ReadTimeout = time.Minute })
	forged := []byte(f.tokens.Make(newID(), newID()))
	forged[40] ^= 1
	for name, header := range map[string]string{
		"forged": "Authorization: Bearer " + string(forged), "no token": "Authorization: Bearer x",
		"a user's": "Authorization: Bearer " + tokenOf(f.user), "secret": "X-N8N-Webhook-Secret: wrong",
	} {
		conn := f.dial()
		_, err := fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n%s\r\n\r\n", callbacks, header)
		require.NoError(t, err)
		resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
		require.NoError(t, err, name)
		assert.Equal(t, http.StatusForbidden, resp.StatusCode, name)
		_ = resp.Body.Close()
	}
}

// TestUnprovedBodiesHaveOneBound: what callers without a checked proof send takes up no
// more memory than a fixed amount, whoever they are and however many; reports that are
// not large, or whose proof is in the headers, get through meanwhile.
func TestUnprovedBodiesHaveOneBound(t *testing.T) {
	t.Parallel()
	f := setup(t, func(c *httpapi.Config) { c.ReadTimeout = time.Minute })
	id := f.create()
	generation, err := aigen.ParseID(id)
	require.NoError(t, err)
	job := f.job(id)
	first := []string{"Authorization", "Bearer " + firstToken(generation, job)}
	report := object{"generationId": id, "jobId": job.String(), "status": "success", "stage": "progress", "results": object{"progress": 1}}
	small, err := json.Marshal(report)
	require.NoError(t, err)
	large := append(bytes.Repeat([]byte(" "), 900<<10), small...)
	f.call(http.MethodPost, callbacks, large, first...).is(http.StatusOK)

	var held []net.Conn
	for range 12 {
		conn := f.dial()
		held = append(held, conn)
		_, err := fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 1048576\r\nwebhook-signature: v1,x\r\n\r\n", callbacks)
		require.NoError(t, err)
		_, err = io.WriteString(conn, strings.Repeat(" ", 1<<20-1))
		require.NoError(t, err)
	}
	var refused answer
	require.Eventually(t, func() bool {
		refused = f.call(http.MethodPost, callbacks, large, first...)
		return refused.StatusCode == http.StatusServiceUnavailable
	}, 20*time.Second, 10*time.Millisecond)
	refused.problem(http.StatusServiceUnavailable, "busy")
	assert.NotEmpty(t, refused.Header.Get("Retry-After"))
	f.call(http.MethodPost, callbacks, small, first...).is(http.StatusOK)
	f.call(http.MethodPost, callbacks, large, "Authorization", "Bearer "+f.tokens.Make(generation, job)).is(http.StatusOK)
	f.call(http.MethodPost, callbacks, large, "Authorization", "", "X-N8N-Webhook-Secret", secret).is(http.StatusOK)

	for _, conn := range held {
		require.NoError(t, conn.Close())
	}
	require.Eventually(t, func() bool {
		return f.call(http.MethodPost, callbacks, large, first...).StatusCode == http.StatusOK
	}, 20*time.Second, 10*time.Millisecond, "what was taken is given back")
}
