package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// bareHandler is baseline (a): what a service would cost that does nothing but one
// transaction a request, in as few round trips as there can be. It knows no users, no
// tokens, no credits and no events, and checks nothing.
type bareHandler struct {
	pool  *pgxpool.Pool
	users []uuid.UUID // as many as ask the service
}

type bareRequest struct {
	ProjectID       uuid.UUID       `json:"projectId"`
	InputPrompt     string          `json:"inputPrompt"`
	StyleGuidance   string          `json:"styleGuidance"`
	InputParameters json.RawMessage `json:"inputParameters"`
}

// ServeHTTP implements http.Handler.
func (h *bareHandler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 64<<10))
	var in bareRequest
	if err == nil {
		err = json.Unmarshal(body, &in)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	id := uuid.Must(uuid.NewV7())
	if err := h.insert(r.Context(), id, in, body); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusAccepted)
	_, _ = fmt.Fprintf(w, `{"generationId":"%s","status":"ProcessingSamples"}`, id)
}

const (
	bareGeneration = `INSERT INTO generations (id, user_id, project_id, created_at, version, prompt, style, parameters, status,
	selected_sample_id, final_asset_id, ai_model, updated_at, status_since, due_at, last_event)
VALUES ($1, $2, $3, $4, 1, $5, $6, $7, 'ProcessingSamples', '', '', '', $4, $4, $8, 1)`
	bareDelivery = `INSERT INTO deliveries (id, lane, kind, user_id, generation_id, run_id, payload, state, attempts, available_at,
	last_error, created_at, trace)
VALUES ($1, 'jobs', 'sample_generation', $2, $3, $4, $5, 'waiting', 0, $6, '', $6, '')`
)

// insert is one round trip and one commit.
func (h *bareHandler) insert(ctx context.Context, id uuid.UUID, in bareRequest, body []byte) error {
	now, user := time.Now(), h.users[rand.IntN(len(h.users))]
	b := new(pgx.Batch)
	b.Queue(`BEGIN`)
	b.Queue(bareGeneration, id, user, in.ProjectID, now, in.InputPrompt, in.StyleGuidance, string(in.InputParameters), now.Add(5*time.Minute))
	b.Queue(bareDelivery, uuid.Must(uuid.NewV7()), user, id, uuid.Must(uuid.NewV7()), string(body), now)
	b.Queue(`COMMIT`)
	return h.pool.SendBatch(ctx, b).Close()
}

func serveBare(ctx context.Context, database string, connections int) error {
	pool, err := openPool(ctx, database, connections)
	if err != nil {
		return err
	}
	defer pool.Close()
	var lc net.ListenConfig
	listener, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println(listener.Addr())
	h := &bareHandler{pool: pool, users: make([]uuid.UUID, userCount)}
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

func openPool(ctx context.Context, database string, connections int) (*pgxpool.Pool, error) {
	config, err := pgxpool.ParseConfig(database)
	if err != nil {
		return nil, err
	}
	config.MaxConns = int32(connections)
	return pgxpool.NewWithConfig(ctx, config)
}
