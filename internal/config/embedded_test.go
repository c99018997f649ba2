package config_test

import (
	"log/slog"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/creativeflow/aigen/internal/runtimeinfo"
)

func TestPartsAllEmbedded(t *testing.T) {
	t.Parallel()
	c := mustLoad(t, nil, "DATA_DIR=/d")
	assert.Equal(t, []runtimeinfo.Part{
		{Need: "database", Uses: "SQLite in /d/aigen.db", Embedded: true},
		{Need: "credits", Uses: "ledger in the database", Embedded: true},
		{Need: "engine", Uses: "embedded engine", Embedded: true},
		{Need: "events", Uses: "memory", Embedded: true},
		{Need: "notifications", Uses: "log", Embedded: true},
	}, c.Parts())
	assert.True(t, c.DatabaseIsSQLite() && c.UsesLedger() && c.UsesWorker() && c.UsesMemory() && c.NotifiesLog())
	assert.False(t, c.UsesRabbitMQ() || c.UsesWebhook() || c.UsesImageAPI())
	assert.Equal(t, slog.LevelInfo, c.Log.SlogLevel())
}

func TestPartsAllRemote(t *testing.T) {
	t.Parallel()
	c := mustLoad(t, nil, allSecrets()...)
	for _, part := range c.Parts() {
		assert.False(t, part.Embedded, part.Need)
	}
	assert.Equal(t, "amqp://user:xxxxx@h", c.Parts()[2].Uses)
	assert.Empty(t, c.SQLitePath())
	assert.False(t, c.UsesWebhook(), "RabbitMQ wins")
}

func TestPartsInBetween(t *testing.T) {
	t.Parallel()
	c := mustLoad(t, nil, "DATABASE_URL=sqlite:x.db", "IMAGE_API_URL=http://i/v1", "LOG_LEVEL=error")
	assert.Equal(t, "x.db", c.SQLitePath())
	assert.True(t, c.UsesImageAPI())
	assert.Equal(t, "embedded engine with http://i/v1", c.Parts()[2].Uses)
	assert.Equal(t, slog.LevelError, c.Log.SlogLevel())
	assert.True(t, mustLoad(t, nil, "N8N_WEBHOOK_URL=http://n").UsesWebhook())
}

func TestCallbackBaseURL(t *testing.T) {
	t.Parallel()
	c := mustLoad(t, nil)
	for listening, want := range map[string]string{
		"127.0.0.1:8000": "http://127.0.0.1:8000",
		"0.0.0.0:80":     "http://127.0.0.1:80",
		":80":            "http://127.0.0.1:80",
		"[::]:80":        "http://[::1]:80",
		"[::1]:80":       "http://[::1]:80",
		"host:80":        "http://host:80",
	} {
		assert.Equal(t, want, c.CallbackBaseURL(listening))
	}
	c = mustLoad(t, nil, "CALLBACK_BASE_URL=https://me.example/aigen/")
	assert.Equal(t, "https://me.example/aigen", c.CallbackBaseURL("127.0.0.1:8000"))
}
