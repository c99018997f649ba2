package main

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen/internal/app"
	"github.com/creativeflow/aigen/internal/httpapi"
	"github.com/creativeflow/aigen/internal/runtimeinfo"
)

// Every line that is written within a request bears its id, whoever writes it.
func TestLinesBearTheRequest(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	log := slog.New(requestHandler{slog.NewTextHandler(&out, nil)}).With("part", "test").WithGroup("g")
	api, err := httpapi.New(httpapi.Config{
		Service: new(app.Service), Authenticator: authenticator{},
		Ready: func(ctx context.Context) []runtimeinfo.Dependency {
			log.InfoContext(ctx, "within")
			log.InfoContext(ctx, "once", requestIDKey, "its own")
			log.Info("outside")
			return nil
		},
	})
	require.NoError(t, err)
	r := httptest.NewRequest(http.MethodGet, "/readyz", nil)
	r.Header.Set("X-Request-Id", "request-1")
	api.ServeHTTP(httptest.NewRecorder(), r)
	assert.Regexp(t, `(?m)^.*msg=within part=test g\.request_id=request-1$`, out.String())
	assert.Regexp(t, `(?m)^.*msg=once part=test g\.request_id="its own"$`, out.String())
	assert.Regexp(t, `(?m)^.*msg=outside part=test$`, out.String())
}
