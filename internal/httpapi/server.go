package httpapi

import (
	"log/slog"
	"net"
	"net/http"
	"sync"
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
	silent := &silentConnections{open: map[net.Conn]struct{}{}}
	s.ConnState = silent.changed
	s.RegisterOnShutdown(silent.shutdown)
	return s
}

// silentConnections are those that were opened and have not sent a whole header yet.
// http.Server.Shutdown closes idle connections at once, but waits 5 s for these, though
// it answers nothing that they still send: somebody who opens a connection and says
// nothing would hold up every stop, or make it a failure.
type silentConnections struct {
	mu       sync.Mutex
	open     map[net.Conn]struct{}
	stopping bool
}

// changed is the server's ConnState.
func (c *silentConnections) changed(conn net.Conn, state http.ConnState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case state != http.StateNew:
		delete(c.open, conn)
	case c.stopping: // it was accepted in the moment of the stop
		_ = conn.Close()
	default:
		c.open[conn] = struct{}{}
	}
}

// shutdown hangs up on all of them. Their goroutines end by the error.
func (c *silentConnections) shutdown() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stopping = true
	for conn := range c.open {
		_ = conn.Close() // nobody is owed an answer
	}
}
