package main

import (
	"context"
	"time"
)

// measureStart starts the service with nothing but embedded parts: the first time,
// when it makes everything, and again; then it leaves it alone for a while.
func (b *bench) measureStart(ctx context.Context) error {
	dir, err := b.newFolder()
	if err != nil {
		return err
	}
	settings := map[string]string{"LOG_LEVEL": "error"}
	for _, name := range []string{"SQLite: ready, first start", "SQLite: ready"} {
		p, took, err := startService(ctx, b.program, dir, settings)
		if err != nil {
			return err
		}
		b.report.add(name, "ms", float64(took.Microseconds())/1000)
		if name == "SQLite: ready" {
			time.Sleep(5 * time.Second) // nothing happens: what was needed for the start can go
			now, _, err := p.memory()
			if err != nil {
				return err
			}
			b.report.add("memory at rest", "MiB", now)
		}
		if err := p.stop(); err != nil {
			return err
		}
	}
	return nil
}
