package odoo_test

import (
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen/internal/odoo"
)

// Check says what to change.
func TestCheck(t *testing.T) {
	t.Parallel()
	hang := func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
	for name, tt := range map[string]struct {
		answer http.HandlerFunc
		says   []string // nil: all is well
	}{
		"balance":          {says(200, jsonType, `{"balance":"0.00","reserved":"0.00","available":"0.00"}`), nil},
		"unknown user":     {says(404, jsonType, `{"error":{"code":"unknown_user"}}`), nil},
		"unknown user 200": {says(200, jsonType, `{"error":{"code":"unknown_user"}}`), nil},
		"nil user refused": {says(422, jsonType, `{"error":{"code":"invalid_input"}}`), nil},
		"key":              {says(401, jsonType, `{"error":"unauthorized"}`), []string{"ODOO_API_KEY", "401"}},
		"key, 200":         {says(200, jsonType, `{"error":{"code":"invalid_api_key"}}`), []string{"ODOO_API_KEY"}},
		"wrong path":       {says(404, jsonType, `{}`), []string{"ODOO_SERVICE_URL", "path", "/api/v1/credits/balance"}},
		"no database":      {says(404, htmlType, page), []string{"ODOO_DATABASE", "addon", "404"}},
		"a website":        {says(200, htmlType, page), []string{"ODOO_SERVICE_URL", "not in JSON"}},
		"broken addon":     {says(500, htmlType, page), []string{"500", "log"}},
		"text":             {says(200, "text/plain", "hello"), []string{"ODOO_SERVICE_URL", "not in JSON"}},
		"login":            {says(303, htmlType, "", "Location", "/web/login"), []string{"redirects", "303", "ODOO_SERVICE_URL"}},
		"out of order":     {says(503, jsonType, `{"error":{"code":"maintenance"}}`), []string{"503", "maintenance"}},
		"other service":    {says(200, jsonType, `{"status":"ok"}`), []string{"ODOO_SERVICE_URL", "balance"}},
		"hangs":            {hang, []string{"ODOO_TIMEOUT", "no answer within 300ms"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := connect(t, odoo.Config{Timeout: 300 * time.Millisecond}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				assert.Equal(t, "/api/v1/credits/balance?user_id=00000000-0000-0000-0000-000000000000", r.URL.RequestURI())
				tt.answer(w, r)
			}))
			err := s.Check(t.Context())
			if tt.says == nil {
				require.NoError(t, err)
				return
			}
			for _, words := range tt.says {
				require.ErrorContains(t, err, words)
			}
			assert.NotContains(t, err.Error(), testKey)
		})
	}
}

func TestCheckWithoutAnswer(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, l.Close())
	err = build(t, odoo.Config{BaseURL: "http://" + l.Addr().String()}).Check(t.Context())
	require.ErrorContains(t, err, "ODOO_SERVICE_URL")
	require.ErrorContains(t, err, "connection refused")

	plain := httptest.NewServer(says(200, jsonType, `{}`))
	t.Cleanup(plain.Close)
	err = build(t, odoo.Config{BaseURL: strings.Replace(plain.URL, "http", "https", 1)}).Check(t.Context())
	require.ErrorContains(t, err, "change it to http")

	selfSigned := httptest.NewUnstartedServer(says(200, jsonType, `{}`))
	selfSigned.Config.ErrorLog = log.New(io.Discard, "", 0)
	selfSigned.StartTLS()
	t.Cleanup(selfSigned.Close)
	err = build(t, odoo.Config{BaseURL: selfSigned.URL}).Check(t.Context())
	require.ErrorContains(t, err, "certificate of ODOO_SERVICE_URL")
}
