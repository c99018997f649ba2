package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

// keptOdoo is a credit service with books of its own, which no fault of ours touches. It
// keeps the contract's rules, and lists its reservations where the test wants it to.
type keptOdoo struct {
	url    string
	listed bool

	mu    sync.Mutex
	kept  map[string]*keptReservation // by reference
	order []string
}

type keptReservation struct {
	Reference    string `json:"reference"`
	UserID       string `json:"user_id"`
	GenerationID string `json:"generation_id"`
	Amount       string `json:"amount"`
	State        string `json:"state"`
	CreatedAt    string `json:"created_at"`
}

func startKeptOdoo(t *testing.T, listed bool) *keptOdoo {
	t.Helper()
	o := &keptOdoo{kept: map[string]*keptReservation{}, listed: listed}
	mux := http.NewServeMux()
	const base = "/api/v1/credits/"
	for path, states := range map[string][2]string{"check_and_reserve": {"", "held"}, "deduct": {"held", "deducted"}, "refund": {"held", "refunded"}} {
		mux.HandleFunc("POST "+base+path, func(w http.ResponseWriter, r *http.Request) {
			var op keptReservation
			assert.NoError(t, json.NewDecoder(r.Body).Decode(&op))
			o.move(w, op, states[0], states[1])
		})
	}
	mux.HandleFunc("GET "+base+"balance", o.balance)
	mux.HandleFunc("GET "+base+"reservations", o.list)
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { refuse(w, http.StatusNotFound, "not_found") })
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	o.url = server.URL
	return o
}

func refuse(w http.ResponseWriter, status int, code string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = fmt.Fprintf(w, `{"error":{"code":%q,"message":"refused"}}`, code)
}

func (o *keptOdoo) move(w http.ResponseWriter, op keptReservation, from, to string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	was, known := o.kept[op.Reference]
	switch {
	case !known && from != "":
		refuse(w, http.StatusConflict, "unknown_reference")
		return
	case known && (was.Amount != op.Amount || was.UserID != op.UserID):
		refuse(w, http.StatusConflict, "reference_conflict")
		return
	case !known:
		op.State, op.CreatedAt = to, time.Now().UTC().Format(time.RFC3339)
		o.kept[op.Reference] = &op
		o.order = append(o.order, op.Reference)
	case was.State == to || from == "":
	case was.State != from:
		refuse(w, http.StatusConflict, "already_settled")
		return
	default:
		was.State = to
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = fmt.Fprint(w, `{"ok":true,"can_afford":true,"available":"100.00"}`)
}

func (o *keptOdoo) balance(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	o.mu.Lock()
	defer o.mu.Unlock()
	reserved := 0
	for _, k := range o.kept {
		if k.State == "held" && k.UserID == r.URL.Query().Get("user_id") {
			var whole, hundredths int
			_, _ = fmt.Sscanf(k.Amount, "%d.%d", &whole, &hundredths)
			reserved += 100*whole + hundredths
		}
	}
	_, _ = fmt.Fprintf(w, `{"balance":"1000.00","reserved":"%d.%02d","available":"0.00"}`, reserved/100, reserved%100)
}

// list is the route of docs/operations.md, three at a time.
func (o *keptOdoo) list(w http.ResponseWriter, r *http.Request) {
	if !o.listed {
		refuse(w, http.StatusNotFound, "not_found")
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	from := slices.Index(o.order, r.URL.Query().Get("cursor")) + 1
	page := struct {
		Reservations []*keptReservation `json:"reservations"`
		Next         *string            `json:"next_cursor"`
	}{Reservations: []*keptReservation{}}
	for _, reference := range o.order[from:] {
		k := o.kept[reference]
		if before := r.URL.Query().Get("older_than"); before != "" && k.CreatedAt >= before {
			continue
		}
		page.Reservations = append(page.Reservations, k)
		if len(page.Reservations) == 3 && reference != o.order[len(o.order)-1] {
			page.Next = &reference
			break
		}
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(page) //nolint:errchkjson // texts
}

// states counts the reservations of a generation: "deducted held refunded".
func (o *keptOdoo) states(generation string) string {
	o.mu.Lock()
	defer o.mu.Unlock()
	var all []string
	for _, k := range o.kept {
		if k.GenerationID == generation {
			all = append(all, k.State)
		}
	}
	slices.Sort(all)
	return strings.Join(all, " ")
}
