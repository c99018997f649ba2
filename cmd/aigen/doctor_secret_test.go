package main

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen/internal/config"
)

// Whatever is wrong with an address: neither the settings nor the checks show what was
// meant to be its password. Each is tried for real, where nobody listens.
func TestDoctorShowsNoPassword(t *testing.T) {
	t.Parallel()
	const secret = "hunter2"
	settings := map[string][]string{
		"DATABASE_URL": {"postgres", "POSTGRES", "postgresql"}, "RABBITMQ_URL": {"amqp", "AMQPS"}, "REDIS_URL": {"redis", "REDISS", "redis+sentinel", "redis+cluster"},
		"ODOO_SERVICE_URL": {"http", "HTTPS"}, "NOTIFICATION_SERVICE_URL": {"http"}, "N8N_WEBHOOK_URL": {"http"}, "IMAGE_API_URL": {"http"},
		"JWT_JWKS_URL": {"http", "https"}, "OTEL_EXPORTER_OTLP_ENDPOINT": {"http"}, "CALLBACK_BASE_URL": {"http"},
	}
	templates := []string{
		"%s://user:%s@127.0.0.1:1/x", "%s://:%s@127.0.0.1:1/0", "%s://%s@127.0.0.1:1/x", "%s://user:1%%2F%s@127.0.0.1:1/x", "%s://user:a@%s@127.0.0.1:1/x",
		"%s://user:%s:w!$r@127.0.0.1:1/x", "%s://user:1/%s@127.0.0.1:1/x", "%s://user:1?%s@127.0.0.1:1/x", "%s://user:1#%s@127.0.0.1:1/x", "%s://127.0.0.1:1/x?password=%s",
		"%s://127.0.0.1:1/x?token=%s", "%s://user:%s@127.0.0.1:1/x?connect_timeout=%[2]s&dial_timeout=%[2]s", "%s://user:%s@127.0.0.1:1,127.0.0.1:2/0",
		"%s://user:%s@127.0.0.1:x/x", "%s://user:%s^@127.0.0.1:1/x", "\"%s://user:%s@127.0.0.1:1/x\"", "%s://user:%s@no-such-host.invalid/x",
		"%s://user:%s@127.0.0.1:1/x?sslmode=%[2]s", "%s://user:%s@127.0.0.1:1/x?cacertfile=/%[2]s", "%s://user:%s@127.0.0.1:1/x?password_=%[2]s",
	}
	for name, schemes := range settings {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, scheme := range schemes {
				for _, template := range templates {
					if name == "DATABASE_URL" && strings.HasPrefix(template, "%s://%s@") {
						continue // a user of PostgreSQL, who is no secret
					}
					value := fmt.Sprintf(template, scheme, secret)
					d := diagnose(t.Context(), config.Options{
						Environ:    []string{"DATA_DIR=" + t.TempDir(), "ODOO_API_KEY=0123456789", name + "=" + value},
						DotEnvPath: t.TempDir() + "/none",
					})
					var out bytes.Buffer
					require.NoError(t, d.print(&out))
					said := out.String()
					if strings.Contains(template, "%[2]s") {
						_, said, _ = strings.Cut(said, "\nChecks\n") // the value of an option that holds no secret is shown
					}
					require.NotContains(t, strings.ToLower(said), secret, "%s=%s", name, value)
				}
			}
		})
	}
}
