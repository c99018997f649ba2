package faults

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"time"
)

// creditKey is the key that the credit service wants.
const creditKey = "the key of the credit service"

// creditService stands for Odoo's addon (contract section 4). Its ledger is honest and
// idempotent by reference; its manners are not: the next calls may meet a fault.
type creditService struct {
	url     string
	server  *httptest.Server
	records *Records
	faultInjector

	book     sync.Mutex // of what follows
	accounts map[string]*account
	runs     map[string]*reservation // by reference
}

// account is in hundredths.
type account struct{ balance, held int64 }

// reservation is what the credit service knows of a reference.
type reservation struct {
	state            string // reserved, refused, deducted, refunded
	user, generation string
	amount           int64
}

func startCreditService(records *Records) *creditService {
	c := &creditService{records: records, accounts: map[string]*account{}, runs: map[string]*reservation{}}
	c.server = httptest.NewServer(c)
	c.url = c.server.URL
	return c
}

// open gives a user an account.
func (c *creditService) open(user string, balance int64) {
	c.book.Lock()
	c.accounts[user] = &account{balance: balance}
	c.book.Unlock()
}

// operation is one operation as it comes in.
type operation struct {
	Op           string `json:"op"`
	UserID       string `json:"user_id"`
	GenerationID string `json:"generation_id"`
	Amount       string `json:"amount"`
	Reference    string `json:"reference"`
}

var creditRoutes = map[string]string{
	"/api/v1/credits/check_and_reserve": "reserve", "/api/v1/credits/deduct": "deduct",
	"/api/v1/credits/refund": "refund", "/api/v1/credits/batch": "batch",
}

// ServeHTTP implements http.Handler.
func (c *creditService) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Authorization") != "Bearer "+creditKey {
		c.records.odd("credits", "", "a call without the key: %s", r.URL.Path)
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	if strings.HasSuffix(r.URL.Path, "/balance") {
		c.balance(w, r)
		return
	}
	name := creditRoutes[r.URL.Path]
	raw, err := io.ReadAll(r.Body)
	if err != nil {
		return // cut off in the middle of its sentence
	}
	k := c.fault()
	switch k {
	case CreditError:
		c.note(name, raw, k)
		answer(w, http.StatusInternalServerError, `{"error": {"code": "internal", "message": "scripted"}}`)
		return
	case CreditHTML:
		c.note(name, raw, k)
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.WriteHeader(http.StatusNotFound)
		_, _ = io.WriteString(w, "<!doctype html><html><body><h1>Not Found</h1></body></html>")
		return
	default:
	}
	body, status := c.do(name, raw, k)
	misdeliver(w, r, k, status, body)
}

// misdeliver answers what was done, as well as the fault allows.
func misdeliver(w http.ResponseWriter, r *http.Request, k Kind, status int, body string) {
	switch k {
	case CreditErrorDone:
		answer(w, http.StatusInternalServerError, "Internal Server Error")
	case CreditTruncated:
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, body[:len(body)/2])
	case CreditLate, NoticeLate:
		select {
		case <-r.Context().Done():
		case <-time.After(odooTimeout + 700*time.Millisecond):
		}
		answer(w, status, body)
	case CreditReset:
		reset(w)
	default:
		answer(w, status, body)
	}
}

// reset ends the connection with RST.
func reset(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}

func answer(w http.ResponseWriter, status int, body string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, body)
}

// do carries out one operation, or a batch of them.
func (c *creditService) do(name string, raw []byte, k Kind) (body string, status int) {
	if name == "batch" {
		var b struct{ Operations []operation }
		if json.Unmarshal(raw, &b) != nil || len(b.Operations) == 0 {
			c.records.odd("credits", "", "a batch that cannot be read: %s", raw)
			return `{"error": {"code": "bad_request"}}`, http.StatusBadRequest
		}
		results := make([]string, len(b.Operations))
		for i, op := range b.Operations {
			results[i], _ = c.one(op, k, true)
		}
		return `{"results": [` + strings.Join(results, ",") + `]}`, http.StatusOK
	}
	var op operation
	if name == "" || json.Unmarshal(raw, &op) != nil {
		c.records.odd("credits", "", "a call that cannot be read: %s %s", name, raw)
		return `{"error": {"code": "bad_request"}}`, http.StatusBadRequest
	}
	op.Op = name
	return c.one(op, k, false)
}

// one carries out one operation and records it.
func (c *creditService) one(op operation, k Kind, batch bool) (body string, status int) {
	c.book.Lock()
	defer c.book.Unlock()
	call := CreditCall{
		At: time.Now(), Op: op.Op, Reference: op.Reference, User: op.UserID, Generation: op.GenerationID,
		Amount: op.Amount, Answered: orText(string(k), "ok"), Batch: batch,
	}
	amount, err := hundredths(op.Amount)
	a := c.accounts[op.UserID]
	run := c.runs[op.Reference]
	if run != nil {
		call.Before = run.state
	}
	switch {
	case err != nil || op.Reference == "" || op.GenerationID == "":
		call.Did = "conflict: malformed"
	case a == nil:
		call.Did = "conflict: unknown_user"
	case run != nil && (run.amount != amount || run.user != op.UserID || run.generation != op.GenerationID):
		call.Did = "conflict: reference_reused"
	default:
		call.heldBefore = a.held
		run, call.Did = c.step(op, a, run, amount)
		call.heldAfter = a.held
	}
	if run != nil {
		call.After = run.state
	}
	add(c.records, &c.records.Credits, call)
	if why, bad := strings.CutPrefix(call.Did, "conflict: "); bad {
		return fmt.Sprintf(`{"reference": %q, "ok": false, "error": {"code": %q, "message": "scripted"}}`, op.Reference, why), http.StatusConflict
	}
	if op.Op == "reserve" {
		return fmt.Sprintf(`{"reference": %q, "ok": %t, "can_afford": %[2]t, "available": "%s"}`,
			op.Reference, run.state != "refused", decimal(a.balance-a.held)), http.StatusOK
	}
	return fmt.Sprintf(`{"reference": %q, "ok": true}`, op.Reference), http.StatusOK
}

// step is the ledger. A repeat changes nothing; nobody both deducts and refunds.
func (c *creditService) step(op operation, a *account, run *reservation, amount int64) (*reservation, string) {
	switch {
	case op.Op == "reserve" && run != nil:
		return run, "repeat"
	case op.Op == "reserve":
		run = &reservation{state: "refused", user: op.UserID, generation: op.GenerationID, amount: amount}
		if a.balance-a.held >= amount {
			run.state = "reserved"
			a.held += amount
		}
		c.runs[op.Reference] = run
		return run, run.state
	case run == nil:
		return nil, "conflict: unknown_reference"
	}
	want := op.Op + "ed" // deducted, refunded
	switch run.state {
	case want:
		return run, "repeat"
	case "reserved":
		a.held -= amount
		if op.Op == "deduct" {
			a.balance -= amount
		}
		run.state = want
		return run, want
	case "refused":
		return run, "conflict: not_reserved"
	default:
		return run, "conflict: already_" + run.state
	}
}

// note records operations that were not carried out.
func (c *creditService) note(name string, raw []byte, k Kind) {
	var b struct {
		Operations []operation
		operation
	}
	_ = json.Unmarshal(raw, &b)
	if name != "batch" {
		b.Op = name
		b.Operations = []operation{b.operation}
	}
	for _, op := range b.Operations {
		add(c.records, &c.records.Credits, CreditCall{
			At: time.Now(), Op: op.Op, Reference: op.Reference, User: op.UserID, Generation: op.GenerationID,
			Amount: op.Amount, Did: "nothing", Answered: string(k), Batch: name == "batch",
		})
	}
}

func (c *creditService) balance(w http.ResponseWriter, r *http.Request) {
	c.book.Lock()
	defer c.book.Unlock()
	a := c.accounts[r.URL.Query().Get("user_id")]
	if a == nil {
		answer(w, http.StatusNotFound, `{"error": {"code": "unknown_user"}}`)
		return
	}
	answer(w, http.StatusOK, fmt.Sprintf(`{"balance": %q, "reserved": %q, "available": %q}`,
		decimal(a.balance), decimal(a.held), decimal(a.balance-a.held)))
}

// hundredths reads an amount. It is written anew here so that the service's own
// arithmetic is not judged by itself.
func hundredths(s string) (int64, error) {
	var whole, cents int64
	if n, err := fmt.Sscanf(s, "%d.%02d", &whole, &cents); n != 2 || err != nil || decimal(whole*100+cents) != s {
		return 0, fmt.Errorf("%q is no amount with two places", s)
	}
	return whole*100 + cents, nil
}

func decimal(n int64) string { return fmt.Sprintf("%d.%02d", n/100, n%100) }

func orText(s, fallback string) string {
	if s == "" {
		return fallback
	}
	return s
}
