package httpapi

import (
	"log/slog"
	"net/http"
	"time"
)

// NewServer is an http.Server with limits that fit the API. It has no WriteTimeout
// and no ReadTimeout, which would cut event streams: the API sets the deadlines of
// each request by itself.
func NewServer(h http.Handler, log *slog.Logger) *http.Server {
	s := &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    16 << 10,
		// "OPTIONS *" has an X-Request-Id and a line in the log, like all else.
		DisableGeneralOptionsHandler: true,
	}
	if log != nil {
		s.ErrorLog = slog.NewLogLogger(log.Handler(), slog.LevelWarn)
	}
	return s
}
