// Command river is a baseline of the benchmark, in a module of its own so that the
// service does not carry its dependencies: a bare HTTP handler that writes a
// generation and inserts a job with River's InsertTx in one transaction.
//
//	river -database postgres://… -connections 64
//
// The database has the service's schema. The command adds River's tables, prints the
// address that it listens on, and serves until its standard input ends.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"
)

func main() {
	database := flag.String("database", "", "URL of the database")
	connections := flag.Int("connections", 64, "connections to it")
	flag.Parse()
	if err := run(context.Background(), *database, *connections); err != nil {
		log.Fatal(err)
	}
}

// job is what a worker of River would get: the body of the request.
type job struct {
	GenerationID string          `json:"generationId"`
	Body         json.RawMessage `json:"body"`
}

// Kind implements river.JobArgs.
func (job) Kind() string { return "sample_generation" }

type server struct {
	users  []uuid.UUID // as many as ask the service
	pool   *pgxpool.Pool
	client *river.Client[pgx.Tx]
}

func run(ctx context.Context, database string, connections int) error {
	config, err := pgxpool.ParseConfig(database)
	if err != nil {
		return err
	}
	config.MaxConns = int32(connections)
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return err
	}
	defer pool.Close()
	driver := riverpgxv5.New(pool)
	migrator, err := rivermigrate.New(driver, nil)
	if err != nil {
		return err
	}
	if _, err := migrator.Migrate(ctx, rivermigrate.DirectionUp, nil); err != nil {
		return err
	}
	client, err := river.NewClient(driver, &river.Config{}) // inserts only
	if err != nil {
		return err
	}
	var lc net.ListenConfig
	listener, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println(listener.Addr())
	h := &server{users: make([]uuid.UUID, 1000), pool: pool, client: client}
	for i := range h.users {
		h.users[i] = uuid.New()
	}
	web := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second}
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		_ = web.Close()
	}()
	_ = web.Serve(listener) // ends by Close
	return nil
}

type request struct {
	ProjectID       uuid.UUID       `json:"projectId"`
	InputPrompt     string          `json:"inputPrompt"`
	StyleGuidance   string          `json:"styleGuidance"`
	InputParameters json.RawMessage `json:"inputParameters"`
}

// ServeHTTP implements http.Handler.
func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 64<<10))
	var in request
	if err == nil {
		err = json.Unmarshal(body, &in)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	id := uuid.Must(uuid.NewV7())
	if err := s.insert(r.Context(), id, in, body); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusAccepted)
	_, _ = fmt.Fprintf(w, `{"generationId":"%s","status":"ProcessingSamples"}`, id)
}

const insertGeneration = `INSERT INTO generations (id, user_id, project_id, created_at, version, prompt, style, parameters, status,
	selected_sample_id, final_asset_id, ai_model, updated_at, status_since, due_at, last_event)
VALUES ($1, $2, $3, $4, 1, $5, $6, $7, 'ProcessingSamples', '', '', '', $4, $4, $8, 1)`

func (s *server) insert(ctx context.Context, id uuid.UUID, in request, body []byte) error {
	return pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		now, user := time.Now(), s.users[rand.IntN(len(s.users))]
		_, err := tx.Exec(ctx, insertGeneration, id, user, in.ProjectID, now, in.InputPrompt, in.StyleGuidance,
			string(in.InputParameters), now.Add(5*time.Minute))
		if err != nil {
			return err
		}
		_, err = s.client.InsertTx(ctx, tx, job{GenerationID: id.String(), Body: body}, nil)
		return err
	})
}
