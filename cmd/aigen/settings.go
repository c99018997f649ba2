package main

import (
	"context"
	"io"
	"log/slog"
	"os"

	"github.com/creativeflow/aigen/internal/config"
	"github.com/creativeflow/aigen/internal/tracing"
	"github.com/creativeflow/aigen/internal/web"
)

// loadSettings reads and checks every setting; the error names each fault.
func loadSettings() (config.Config, error) {
	c, err := config.Load(config.Options{})
	if err != nil {
		return c, &exitError{exitSettings, err}
	}
	trustCAs(c.TLS)
	if !c.Server.CoreDumps {
		if err := disableDumps(); err != nil {
			c.Warnings = append(c.Warnings, config.Warning{Setting: "ENABLE_CORE_DUMPS", Problem: "is off, but memory could not be sealed: " + err.Error()})
		}
	}
	return c, nil
}

// withSecrets reads the settings and makes the secrets that are not set.
func withSecrets() (config.Config, error) {
	c, err := loadSettings()
	if err != nil {
		return c, err
	}
	if err := config.EnsureSecrets(c.Database.DataDir, &c); err != nil {
		return c, &exitError{exitSettings, err}
	}
	return c, nil
}

func newLogger(c config.Log) *slog.Logger {
	o := &slog.HandlerOptions{Level: c.SlogLevel()}
	var h slog.Handler = slog.NewTextHandler(os.Stderr, o)
	if c.Format == "json" {
		h = slog.NewJSONHandler(escapingWriter{os.Stderr}, o)
	}
	return slog.New(requestHandler{h})
}

// escapingWriter takes lines of JSON. The handler for text quotes controls by itself.
type escapingWriter struct{ to io.Writer }

func (w escapingWriter) Write(line []byte) (int, error) {
	if _, err := w.to.Write(escaped(line)); err != nil {
		return 0, err
	}
	return len(line), nil
}

// requestHandler adds the request's id to each line that is written within one, so
// that whoever writes the line need not know of requests.
type requestHandler struct{ slog.Handler }

const requestIDKey = "request_id"

// Handle implements slog.Handler.
func (h requestHandler) Handle(ctx context.Context, r slog.Record) error {
	id, trace := web.RequestID(ctx), tracing.TraceID(ctx)
	if id != "" && !has(r, requestIDKey) {
		r = r.Clone()
		r.AddAttrs(slog.String(requestIDKey, id))
	}
	if trace != "" {
		r = r.Clone()
		r.AddAttrs(slog.String("trace_id", trace))
	}
	return h.Handler.Handle(ctx, r)
}

// WithAttrs implements slog.Handler.
func (h requestHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return requestHandler{h.Handler.WithAttrs(attrs)}
}

// WithGroup implements slog.Handler.
func (h requestHandler) WithGroup(name string) slog.Handler {
	return requestHandler{h.Handler.WithGroup(name)}
}

func has(r slog.Record, key string) (found bool) {
	r.Attrs(func(a slog.Attr) bool {
		found = a.Key == key
		return !found
	})
	return found
}
