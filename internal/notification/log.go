// Package notification tells users what happened, through a notification service or, where
// there is none, in the log.
package notification

import (
	"context"
	"log/slog"

	"github.com/creativeflow/aigen/internal/app"
)

// Log writes notifications to the log: for a machine without a notification
// service. The message is one of ours and holds no prompt.
type Log struct{ log *slog.Logger }

// NewLog writes to log.
func NewLog(log *slog.Logger) *Log { return &Log{log: log} }

// Notify implements app.NotificationService. It never fails.
func (l *Log) Notify(_ context.Context, n app.Notification) error {
	l.log.Info("notification", "notification_id", n.ID, "user_id", n.UserID, "type", n.Payload.Type,
		"generation_id", n.Payload.GenerationID, "status", n.Payload.Status, "message", n.Message)
	return nil
}
