package config_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// `docker run --env-file` keeps quotes. Whatever the setting, a value in quotes is
// refused for the quotes, and not for what they break further on.
func TestQuotesAroundAValue(t *testing.T) {
	t.Parallel()
	values := map[string]string{
		"JWT_SECRET": longSecret, "N8N_CALLBACK_SECRET": longSecret + "," + otherSecret, "ODOO_API_KEY": otherSecret,
		"REDIS_URL": "redis://:hunter2@h", "DATABASE_URL": "postgres://u:hunter2@h/d", "RATE_LIMIT_PER_MINUTE": "10",
		"LOG_LEVEL": "debug", "JWT_AUDIENCE": "api", "GENERATION_JOB_QUEUE": "jobs", "DATA_DIR": "./data", "SAMPLES_TIMEOUT": "5m",
		"LISTEN_ADDR": "127.0.0.1:8000", "ENABLE_CONSOLE": "true", "CREDIT_COST_FINAL": "1.00", "IMAGE_API_MODEL": "",
	}
	for name, value := range values {
		for _, quote := range []string{`"`, "'"} {
			_, err := load(nil, name+"="+quote+value+quote)
			require.Error(t, err, name)
			fault := faultsOf(t, err)[0]
			assert.Equal(t, name, fault.Setting)
			assert.Contains(t, fault.Problem, "begins and ends with "+quote)
			assert.NotContains(t, err.Error(), "hunter2")
			assert.NotContains(t, err.Error(), otherSecret)
		}
	}
	_, err := load(files{"/s": `"` + longSecret + `"`}, "JWT_SECRET_FILE=/s")
	require.ErrorContains(t, err, "begins and ends with")
	_, err = load(files{"/s": longSecret}, `JWT_SECRET_FILE="/s"`)
	require.ErrorContains(t, err, "remove the quotes around the path in JWT_SECRET_FILE")
	// The .env file takes its own quotes off, and a quote alone is part of a value.
	c := mustLoad(t, files{".env": `JWT_SECRET="` + longSecret + `"`}, `ODOO_API_KEY="`+otherSecret, "ODOO_SERVICE_URL=http://o")
	assert.Equal(t, longSecret, c.Auth.Secret.Reveal())
	assert.Equal(t, `"`+otherSecret, c.Credits.OdooKey.Reveal())
}
