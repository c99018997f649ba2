package config

import (
	"log/slog"
	"net"
	"net/netip"
	"path/filepath"
	"strings"

	"github.com/creativeflow/aigen/internal/runtimeinfo"
)

// DatabaseIsSQLite says that the state is kept in a file and not in PostgreSQL.
func (c Config) DatabaseIsSQLite() bool {
	return c.Database.URL == "" || strings.HasPrefix(c.Database.URL.Reveal(), sqlitePrefix)
}

// SQLitePath is the path of the SQLite file; empty with PostgreSQL.
func (c Config) SQLitePath() string {
	if c.Database.URL == "" {
		return filepath.Join(c.Database.DataDir, "aigen.db")
	}
	if path, ok := strings.CutPrefix(c.Database.URL.Reveal(), sqlitePrefix); ok {
		return path
	}
	return ""
}

// UsesLedger says that the embedded ledger keeps the accounts, and not Odoo.
func (c Config) UsesLedger() bool { return c.Credits.OdooURL == "" }

// UsesRabbitMQ says that jobs are published to a broker.
func (c Config) UsesRabbitMQ() bool { return c.Engine.RabbitMQURL != "" }

// UsesWebhook says that jobs are posted to n8n: there is a webhook and no broker.
func (c Config) UsesWebhook() bool { return !c.UsesRabbitMQ() && c.Engine.WebhookURL != "" }

// UsesWorker says that the embedded engine does the jobs.
func (c Config) UsesWorker() bool { return !c.UsesRabbitMQ() && c.Engine.WebhookURL == "" }

// UsesImageAPI says that the embedded engine asks a server for its pictures.
func (c Config) UsesImageAPI() bool {
	return c.UsesWorker() && c.Worker.Render && c.Worker.ImageAPIURL != ""
}

// UsesMemory says that live events and limits stay within this instance.
func (c Config) UsesMemory() bool { return c.Redis.URL == "" }

// NotifiesLog says that notifications go to the log.
func (c Config) NotifiesLog() bool { return c.Notifications.URL == "" }

// NeedsTokenSecret says that no JWT setting is there, so that one has to be made.
func (c Config) NeedsTokenSecret() bool {
	return c.Auth.Secret == "" && c.Auth.PublicKey == "" && c.Auth.JWKSURL == ""
}

// MadeTokenSecret says that EnsureSecrets has made the secret, or found the one that it
// made before: nobody has set up who may call.
func (c Config) MadeTokenSecret() bool { return c.origins["JWT_SECRET"] == fromGenerated }

// NeedsCallbackSecret says that a callback secret has to be made. That does not
// depend on ENABLE_N8N_CALLBACK_SECURITY: job tokens are derived from it.
func (c Config) NeedsCallbackSecret() bool { return len(c.Callback.Secrets) == 0 }

// ListensOnLoopback says that only this machine can reach the service.
func (c Config) ListensOnLoopback() bool { return isLoopback(c.Server.ListenAddr) }

// CallbackBaseURL is CALLBACK_BASE_URL without a trailing slash, else http:// and
// listening, which is the address really listened on (LISTEN_ADDR may have port
// 0). Where that is all interfaces, it is loopback.
func (c Config) CallbackBaseURL(listening string) string {
	if c.Callback.BaseURL != "" {
		return c.Callback.BaseURL.Reveal()
	}
	return LocalURL(listening)
}

// PublicBase is the base URL that people reach the service by, as far as it is set:
// PUBLIC_BASE_URL, else CALLBACK_BASE_URL.
func (c Config) PublicBase() string {
	if c.Server.PublicURL != "" {
		return c.Server.PublicURL.Reveal()
	}
	return c.Callback.BaseURL.Reveal()
}

// PublicBaseURL is PublicBase, else http:// and the address really listened on.
func (c Config) PublicBaseURL(listening string) string {
	if base := c.PublicBase(); base != "" {
		return base
	}
	return LocalURL(listening)
}

// LocalURL is how this machine reaches a service that listens there, past any
// balancer: for its own commands and for the log.
func LocalURL(listening string) string {
	host, port, err := net.SplitHostPort(listening)
	if err != nil {
		return "http://" + listening
	}
	ip, err := netip.ParseAddr(host)
	switch {
	case host == "" || err == nil && ip.IsUnspecified() && ip.Is4():
		host = "127.0.0.1"
	case err == nil && ip.IsUnspecified():
		host = "::1"
	}
	return "http://" + net.JoinHostPort(host, port)
}

// SlogLevel is LOG_LEVEL for log/slog.
func (l Log) SlogLevel() slog.Level {
	switch l.Level {
	case "debug":
		return slog.LevelDebug
	case "warn":
		return slog.LevelWarn
	case "error":
		return slog.LevelError
	}
	return slog.LevelInfo
}

// Parts says of each dependency whether it is embedded, in a stable order.
func (c Config) Parts() []runtimeinfo.Part {
	return []runtimeinfo.Part{
		part("database", "SQLite in "+c.SQLitePath(), c.DatabaseIsSQLite(), c.Database.URL),
		part("credits", "ledger in the database", c.UsesLedger(), c.Credits.OdooURL),
		c.enginePart(),
		part("events", "memory", c.UsesMemory(), c.Redis.URL),
		part("notifications", "log", c.NotifiesLog(), c.Notifications.URL),
	}
}

func (c Config) enginePart() runtimeinfo.Part {
	own := "embedded engine"
	if c.UsesImageAPI() {
		own += " with " + c.Worker.ImageAPIURL.String()
	}
	remote := c.Engine.WebhookURL
	if c.UsesRabbitMQ() {
		remote = c.Engine.RabbitMQURL
	}
	return part("engine", own, c.UsesWorker(), remote)
}

func part(need, own string, embedded bool, remote URL) runtimeinfo.Part {
	if embedded {
		return runtimeinfo.Part{Need: need, Uses: own, Embedded: true}
	}
	return runtimeinfo.Part{Need: need, Uses: remote.String()}
}
