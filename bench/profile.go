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

	"github.com/jackc/pgx/v5"
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
		if strings.HasPrefix(s.database, "postgres:") {
			errs = append(errs, statements(ctx, s.database, filepath.Join(s.b.o.profile, file+".statements")))
		}
		done <- errors.Join(errs...)
	}()
	return func() error { return <-done }
}

// statements writes what the database's time went to, the most expensive first.
func statements(ctx context.Context, database, file string) error {
	const query = `SELECT calls, rows, round(total_exec_time::numeric, 1), round((total_exec_time / calls * 1000)::numeric, 1), left(query, 150)
FROM pg_stat_statements WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database()) ORDER BY total_exec_time DESC LIMIT 40`
	conn, err := pgx.Connect(ctx, database)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	if _, err := conn.Exec(ctx, "CREATE EXTENSION IF NOT EXISTS pg_stat_statements"); err != nil {
		return err
	}
	rows, err := conn.Query(ctx, query)
	if err != nil {
		return err
	}
	defer rows.Close()
	var text strings.Builder
	text.WriteString("   calls     rows  total ms  µs a call  statement\n")
	for rows.Next() {
		var calls, n int64
		var total, each float64
		var sql string
		if err := rows.Scan(&calls, &n, &total, &each, &sql); err != nil {
			return err
		}
		fmt.Fprintf(&text, "%8d %8d %9.1f %10.1f  %s\n", calls, n, total, each, strings.Join(strings.Fields(sql), " "))
	}
	return errors.Join(rows.Err(), os.WriteFile(file, []byte(text.String()), 0o600))
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
