package config_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen/internal/config"
)

// secretMark is in every secret of allSecrets and in nothing else.
const secretMark = "hunter2"

// allSecrets sets everything that can hold a secret.
func allSecrets() []string {
	const s = secretMark + "-0123456789-0123456789-0123456789"
	return []string{
		"JWT_SECRET=" + s, "N8N_CALLBACK_SECRET=" + s + "," + s, "ODOO_API_KEY=" + s,
		"NOTIFICATION_API_KEY=" + s, "IMAGE_API_KEY=" + s,
		"DATABASE_URL=postgres://user:" + s + "@h/d?sslpassword=" + s,
		"RABBITMQ_URL=amqp://user:" + s + "@h", "REDIS_URL=redis://:" + s + "@h",
		"ODOO_SERVICE_URL=http://u:" + s + "@h", "NOTIFICATION_SERVICE_URL=http://" + s + "@h",
		"N8N_WEBHOOK_URL=http://h/w?token=" + s, "CALLBACK_BASE_URL=http://u:" + s + "@h",
		"IMAGE_API_URL=http://u:" + s + "@h", "OTEL_EXPORTER_OTLP_ENDPOINT=http://u:" + s + "@h",
	}
}

func TestNothingPrintsSecrets(t *testing.T) {
	t.Parallel()
	c := mustLoad(t, nil, allSecrets()...)
	require.Contains(t, c.Auth.Secret.Reveal(), secretMark)
	require.Contains(t, c.Database.URL.Reveal(), secretMark)

	printed := map[string]string{}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t", "%40v"} {
		printed[verb] = fmt.Sprintf(verb, c)
		printed[verb+" pointer"] = fmt.Sprintf(verb, &c)
		printed[verb+" secret"] = fmt.Sprintf(verb, c.Auth.Secret)
		printed[verb+" URL"] = fmt.Sprintf(verb, c.Database.URL)
	}
	text, err := json.Marshal(c)
	require.NoError(t, err)
	printed["json"] = string(text)

	var logged bytes.Buffer
	for _, h := range []slog.Handler{slog.NewTextHandler(&logged, nil), slog.NewJSONHandler(&logged, nil)} {
		slog.New(h).Info("m", "config", c, "secret", c.Auth.Secret, "url", c.Database.URL, "list", c.Callback.Secrets)
	}
	printed["slog"] = logged.String()
	printed["settings"] = fmt.Sprintf("%+v", c.Settings())
	printed["parts"] = fmt.Sprintf("%+v", c.Parts())
	printed["warnings"] = fmt.Sprintf("%+v", c.Warnings)
	printed["error"] = fmt.Sprint(errors.Join(fmt.Errorf("%w %v", errors.ErrUnsupported, c.Auth.Secret)))

	for how, out := range printed {
		assert.NotContains(t, out, secretMark, how)
		assert.NotContains(t, strings.ToLower(out), fmt.Sprintf("%x", secretMark), how)
	}
	assert.Contains(t, printed["json"], `"Secret":"[secret]"`)
	assert.Contains(t, printed["slog"], "postgres://user:xxxxx@h/d?sslpassword=xxxxx")
}

// Every fault of every setting that can hold a secret, provoked by a tail that no
// parser accepts.
func TestNoFaultPrintsSecrets(t *testing.T) {
	t.Parallel()
	for _, tail := range []string{"\x01", " x\n", "\xff", "%zz", ":::", "#@[", strings.Repeat("x", 9000)} {
		var environ []string
		for _, pair := range allSecrets() {
			environ = append(environ, pair+tail)
		}
		_, err := load(nil, environ...)
		require.Error(t, err)
		assert.NotContains(t, err.Error(), secretMark, "%.20q", tail)
	}
}

// Whatever a password has in it that belongs percent-encoded, and whichever setting it
// is given for: it is neither in a fault nor shown.
func TestNoPasswordIsShown(t *testing.T) {
	t.Parallel()
	templates := []string{
		"%s://user:%s@h:1234/x", "%s://:%s@h/x", "%s://%s@h/x", "%s://user:12/%s@h/x", "%s://user:12?%s@h/x", "%s://user:12#%s@h/x",
		"%s://user:12?a=%s@h/x", "%s://user:a@%s@h/x", "%s://user:%s%%zz@h/x", "%s://user:[%s]@h/x", "%s://user:a b%s@h/x", "%s://user:%s@h:99999/x",
		"%s://user:%s@h:x/y", "%s://user:%s@", "%s://user:%s@h/?password=%[2]s", "%s://h/?token=%s", "%s://user:%s@h1,h2:0/x", "%s://user:a^%s@h/x",
		"%s://user:a@b/%s@h/x", "%s:/user:%s@h/x", "%s:user:%s@h/x", "%s//user:%s@h", "%s://user:%s@h\n", "'%s://user:%s@h/x'",
	}
	var urls []string
	for _, pair := range allSecrets() {
		if name, value, _ := strings.Cut(pair, "="); strings.Contains(value, "://") {
			urls = append(urls, name)
		}
	}
	urls = append(urls, "JWT_JWKS_URL")
	for _, scheme := range []string{"http", "HTTPS", "postgres", "POSTGRES", "amqp", "AMQPS", "redis", "Rediss", "redis+sentinel", "unix", "sqlite", "jdbc:postgresql", "x"} {
		for _, template := range templates {
			value := fmt.Sprintf(template, scheme, secretMark)
			for _, name := range urls {
				c, err := load(nil, name+"="+value)
				assert.NotContains(t, fmt.Sprint(err), secretMark, "%s=%s", name, value)
				if name == "DATABASE_URL" && c.DatabaseIsSQLite() {
					continue // a path is no secret
				}
				assert.NotContains(t, fmt.Sprintf("%+v %+v %+v %+v", c, c.Settings(), c.Parts(), c.Warnings), secretMark, "%s=%s", name, value)
			}
		}
	}
}

func TestMaskOfAnUnsetSecretIsNothing(t *testing.T) {
	t.Parallel()
	assert.Equal(t, "||", fmt.Sprintf("%s|%v|%s", config.Secret(""), config.URL(""), config.URL("").String()))
	assert.Equal(t, `""`, fmt.Sprintf("%q", config.Secret("").GoString()[1:1]))
	assert.Equal(t, "[unreadable URL]", config.URL("http://u:hunter2@%zz").String())
	assert.Equal(t, "http://h/?xxxxx", config.URL("http://h/?password=%zz").String())
}

func TestHundredthsPrintWithTwoPlaces(t *testing.T) {
	t.Parallel()
	for amount, want := range map[config.Hundredths]string{0: "0.00", 5: "0.05", 25: "0.25", 12345: "123.45", -5: "-0.05"} {
		assert.Equal(t, want, amount.String())
	}
}
