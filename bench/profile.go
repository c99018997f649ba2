package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// profile takes profiles of the service under a load: of the processors while the
// load lasts, then of allocations and of waits. wait returns when they are written.
func (s *system) profile(ctx context.Context, name string, length time.Duration) (wait func() error) {
	if s.profiled == "" {
		return func() error { return nil }
	}
	done := make(chan error, 1)
	go func() {
		file := strings.Map(func(r rune) rune {
			if r == ' ' || r == ':' || r == ',' {
				return '-'
			}
			return r
		}, name)
		var errs []error
		for _, kind := range []string{fmt.Sprintf("profile?seconds=%d", max(1, int(length.Seconds()))), "allocs", "mutex", "block"} {
			word, _, _ := strings.Cut(kind, "?")
			errs = append(errs, fetch(ctx, "http://"+s.profiled+"/debug/pprof/"+kind, filepath.Join(s.b.o.profile, file+"."+word)))
		}
		done <- errors.Join(errs...)
	}()
	return func() error { return <-done }
}

func fetch(ctx context.Context, url, file string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	raw, err := io.ReadAll(answer.Body)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o750); err != nil {
		return err
	}
	return os.WriteFile(file, raw, 0o600)
}
