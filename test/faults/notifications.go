package faults

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"time"
)

// notificationService stands for the notification service (contract section 5).
type notificationService struct {
	url     string
	server  *httptest.Server
	records *Records
	faultInjector
}

func startNotificationService(records *Records) *notificationService {
	n := &notificationService{records: records}
	n.server = httptest.NewServer(n)
	n.url = n.server.URL
	return n
}

// ServeHTTP implements http.Handler.
func (n *notificationService) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	raw, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	var body struct {
		UserID  string `json:"user_id"`
		Message string `json:"message"`
		Payload struct{ Type, GenerationID, Status string }
	}
	if json.Unmarshal(raw, &body) != nil || body.UserID == "" || body.Message == "" || r.URL.Path != "/api/v1/notify" {
		n.records.odd("notifications", body.Payload.GenerationID, "not what the contract says: %s %s", r.URL.Path, raw)
	}
	k := n.fault()
	add(n.records, &n.records.Notifications, Notice{
		At: time.Now(), Key: r.Header.Get("Idempotency-Key"), User: body.UserID, Generation: body.Payload.GenerationID,
		Type: body.Payload.Type, Status: body.Payload.Status, Body: string(raw), Taken: k != NoticeError,
	})
	if k == NoticeError {
		answer(w, http.StatusInternalServerError, `{"error": "scripted"}`)
		return
	}
	misdeliver(w, r, k, http.StatusOK, `{"ok": true}`)
}
