package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/auth"
	"github.com/creativeflow/aigen/internal/postgres"
	"github.com/creativeflow/aigen/internal/testenv"
)

// bench is one run: the servers, the programs, and what was measured.
type bench struct {
	o       options
	dir     string // for everything that is made
	root    string // of the module
	commit  string
	self    string // this program
	program string // the service
	river   string // baseline (d)

	database *testenv.Server
	broker   *testenv.Server
	users    []user
	report   report
	made     int // names that were given out
}

// user is one who asks, with the headers that prove it.
type user struct {
	id      aigen.ID
	headers string
	create  []byte // a whole request
}

// userCount is how many there are: their accounts are locked by what they do.
const userCount = 1000

const (
	jwtSecret      = "a secret of the benchmark, for tokens"
	callbackSecret = "a secret of the benchmark for callbacks"
	createBody     = `{"projectId":"0b6a8f5e-9a1d-4c55-8a2e-5d0f3f6c7e21","inputPrompt":"a red fox in the snow, low sun, ` +
		`long shadows, breath in the cold air","styleGuidance":"watercolour, muted colours",` +
		`"inputParameters":{"format":"InstagramPost","resolution":"1080x1080","samples":4,"seed":42}}`
)

func newBench(ctx context.Context, o options) (_ *bench, err error) {
	b := &bench{o: o}
	if b.dir, err = os.MkdirTemp("", "aigen-bench-*"); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			b.close()
		}
	}()
	if err := b.build(ctx); err != nil {
		return nil, err
	}
	if err := b.makeUsers(); err != nil {
		return nil, err
	}
	// As an installation would have it: commits wait for the disk.
	settings := []string{"max_connections=300", "shared_buffers=1GB", "max_wal_size=8GB", "checkpoint_timeout=15min"}
	if o.profile != "" {
		settings = append(settings, "shared_preload_libraries=pg_stat_statements")
	}
	if b.database, err = testenv.Launch(testenv.PostgreSQLWith(settings...)); err != nil {
		return nil, err
	}
	if b.broker, err = testenv.Launch(testenv.RabbitMQKind()); err != nil {
		return nil, err
	}
	return b, nil
}

func (b *bench) makeUsers() error {
	b.users = make([]user, userCount)
	now := time.Now()
	for i := range b.users {
		u := &b.users[i]
		u.id = aigen.ID(uuid.New())
		token, err := auth.Mint([]byte(jwtSecret), auth.Claims{UserID: u.id, IssuedAt: now, ExpiresAt: now.Add(24 * time.Hour)})
		if err != nil {
			return err
		}
		u.headers = "Authorization: Bearer " + token + "\r\n"
		u.create = post("/api/v1/generations", u.headers, createBody)
	}
	return nil
}

func (b *bench) close() {
	for _, s := range []*testenv.Server{b.database, b.broker} {
		if s != nil {
			if err := s.Close(); err != nil {
				fmt.Fprintln(os.Stderr, "bench:", err)
			}
		}
	}
	if err := os.RemoveAll(b.dir); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
	}
}

// newName is one that was not used before.
func (b *bench) newName() string {
	b.made++
	return fmt.Sprintf("bench%d", b.made)
}

// newFolder makes a folder for a service.
func (b *bench) newFolder() (string, error) {
	dir := filepath.Join(b.dir, b.newName())
	return dir, os.Mkdir(dir, 0o700)
}

// newDatabase makes a database with the service's schema.
func (b *bench) newDatabase(ctx context.Context) (string, error) {
	name := b.newName()
	if err := b.sql(ctx, b.database.URL(), "CREATE DATABASE "+name); err != nil {
		return "", err
	}
	u, err := url.Parse(b.database.URL())
	if err != nil {
		return "", err
	}
	u.Path = "/" + name
	s, err := postgres.Open(ctx, u.String(), postgres.Options{})
	if err != nil {
		return "", err
	}
	// What was written before is on disk: it does not cost those who come now.
	return u.String(), errors.Join(s.Close(), b.sql(ctx, u.String(), "CHECKPOINT"))
}

// dropDatabase makes room on the disk.
func (b *bench) dropDatabase(ctx context.Context, database string) error {
	u, err := url.Parse(database)
	if err != nil {
		return err
	}
	err = b.sql(ctx, b.database.URL(), "DROP DATABASE "+strings.TrimPrefix(u.Path, "/")+" WITH (FORCE)", "CHECKPOINT")
	syscall.Sync() // what the disk still owes for this measure is not to be paid in the next
	return err
}

func (b *bench) sql(ctx context.Context, database string, statements ...string) error {
	conn, err := pgx.Connect(ctx, database)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	for _, s := range statements {
		if _, err := conn.Exec(ctx, s); err != nil {
			return fmt.Errorf("%.60s: %w", s, err)
		}
	}
	return nil
}

// scripts runs scripts, each of perhaps several statements, on one connection.
func (b *bench) scripts(ctx context.Context, database string, scripts []string) error {
	conn, err := pgx.Connect(ctx, database)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	for _, s := range scripts {
		if _, err := conn.PgConn().Exec(ctx, s).ReadAll(); err != nil {
			return fmt.Errorf("%.60s: %w", s, err)
		}
	}
	return nil
}
