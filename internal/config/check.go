package config

import (
	"fmt"
	"strings"
)

// crossCheck is what no setting can tell alone.
func (l *loader) crossCheck(c *Config) {
	l.checkTokens(c)
	l.checkCallback(c)
	l.checkCredits()
	l.checkUnused(c)
}

// jwtSources are the ways to prove a user token, of which at most one is set.
var jwtSources = []string{"JWT_SECRET", "JWT_PUBLIC_KEY", "JWT_JWKS_URL"}

func (l *loader) checkTokens(c *Config) {
	var given []string
	for _, name := range jwtSources {
		if l.given(name) {
			given = append(given, name)
		}
	}
	switch {
	case len(given) > 1:
		// All of them: an attacker would choose the weakest.
		l.fault(given[0], l.origins[given[0]], "is set beside "+strings.Join(given[1:], " and ")+": keep one of them")
	case len(given) == 0 && !c.ListensOnLoopback():
		l.fault("JWT_SECRET", "", l.exposed(c)+" Set JWT_SECRET, JWT_PUBLIC_KEY or JWT_JWKS_URL, or listen on 127.0.0.1")
	}
}

// exposed begins the fault of contract section 6: a secret that the service made
// for itself is for trying things out, not for a network.
func (l *loader) exposed(c *Config) string {
	return fmt.Sprintf("is not set, but LISTEN_ADDR %s can be reached from other machines.", shown(c.Server.ListenAddr))
}

func (l *loader) checkCallback(c *Config) {
	const proof, secured, base = "N8N_CALLBACK_SECRET", "ENABLE_N8N_CALLBACK_SECURITY", "CALLBACK_BASE_URL"
	switch {
	case !c.Callback.Secured:
		// Said explicitly, so it is obeyed, also beyond loopback.
		l.warn(secured, "is off, so anyone who reaches the port can finish and fail generations: leave it on outside of tests")
	case !l.given(proof) && !c.ListensOnLoopback():
		l.fault(proof, "", l.exposed(c)+" Set it to the secret that n8n sends (`openssl rand -base64 32`), or listen on 127.0.0.1")
	}
	if c.UsesWorker() || l.given(base) {
		return
	}
	l.warn(base, fmt.Sprintf("is not set, so jobs tell the workflow engine to call %s: set it to the address under which it reaches this service",
		c.CallbackBaseURL(c.Server.ListenAddr)))
}

func (l *loader) checkCredits() {
	const url, key, initial = "ODOO_SERVICE_URL", "ODOO_API_KEY", "LEDGER_INITIAL_CREDITS"
	if l.given(url) && !l.given(key) {
		l.fault(key, "", "is not set, but "+url+" is: set it to the key that Odoo expects, or unset "+url)
	}
	if l.given(url) && l.given(initial) {
		l.warn(initial, "has no effect, because "+url+" is set and the embedded ledger is not used")
	}
}

// checkUnused warns of settings that another one puts out of use: more often a
// mistake than meant.
func (l *loader) checkUnused(c *Config) {
	for _, pair := range [][2]string{
		{"ODOO_API_KEY", "ODOO_SERVICE_URL"},
		{"NOTIFICATION_API_KEY", "NOTIFICATION_SERVICE_URL"},
		{"IMAGE_API_KEY", "IMAGE_API_URL"},
		{"IMAGE_API_MODEL", "IMAGE_API_URL"},
		{"IMAGE_API_TIMEOUT", "IMAGE_API_URL"},
		{"IMAGE_API_CONCURRENCY", "IMAGE_API_URL"},
		{"GENERATION_JOB_EXCHANGE", "RABBITMQ_URL"},
	} {
		if l.given(pair[0]) && !l.given(pair[1]) {
			l.warn(pair[0], "has no effect, because "+pair[1]+" is not set")
		}
	}
	if l.given("RABBITMQ_URL") && l.given("N8N_WEBHOOK_URL") {
		l.warn("N8N_WEBHOOK_URL", "has no effect, because RABBITMQ_URL is set and wins: unset one of them")
	}
	if l.given("IMAGE_API_URL") && !c.UsesWorker() {
		l.warn("IMAGE_API_URL", "has no effect, because jobs go to the workflow engine and not to the embedded one")
	}
	if l.given("IMAGE_API_URL") && !c.Worker.Render {
		l.warn("IMAGE_API_URL", "has no effect, because WORKER_RENDER is false")
	}
}
