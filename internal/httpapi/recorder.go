package httpapi

import (
	"errors"
	"io"
	"log/slog"
	"math"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/httpapi/wire"
	"github.com/creativeflow/aigen/internal/web"
)

// answerPiece is how much of an answer must go out within WriteTimeout. A slow reader gets
// a whole picture; one who does not read holds nothing for long.
const answerPiece = 64 << 10

// recorder remembers what was answered.
type recorder struct {
	http.ResponseWriter
	status  int
	bytes   int64
	body    requestBody   // of the request
	timeout time.Duration // for each piece of the answer
	piece   int64         // bytes since the deadline was set
	cut     bool          // a write failed: the client has not got all of it
}

// statusOf is the status that was answered, 0 if nothing was yet.
func statusOf(w http.ResponseWriter) int {
	if r, ok := w.(*recorder); ok {
		return r.status
	}
	return 0
}

// Unwrap is for http.ResponseController.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }

func (r *recorder) WriteHeader(status int) {
	if r.status == 0 && status >= http.StatusOK {
		r.status = status
	}
	r.ResponseWriter.WriteHeader(status)
}

func (r *recorder) Write(b []byte) (n int, err error) {
	if r.status == 0 {
		r.status = http.StatusOK
	}
	for first := true; first || n < len(b) && err == nil; first = false {
		var wrote int
		wrote, err = r.ResponseWriter.Write(b[n:min(len(b), n+answerPiece)])
		n += wrote
		r.wrote(int64(wrote), err)
	}
	return n, err
}

// ReadFrom keeps sendfile for assets.
func (r *recorder) ReadFrom(src io.Reader) (n int64, err error) {
	if r.status == 0 {
		r.status = http.StatusOK
	}
	// package net looks for a file within one LimitedReader, not within two.
	limited, ok := src.(*io.LimitedReader)
	if !ok {
		limited = &io.LimitedReader{R: src, N: math.MaxInt64}
	}
	for limited.N > 0 && err == nil {
		part := &io.LimitedReader{R: limited.R, N: min(limited.N, answerPiece)}
		var wrote int64
		wrote, err = io.Copy(r.ResponseWriter, part)
		n += wrote
		limited.N -= wrote
		r.wrote(wrote, err)
		if part.N > 0 {
			break // the source has ended
		}
	}
	return n, err
}

// statusClientGone stands in the log and in the metrics for a request whose client hung
// up before its answer. The number is nginx's.
const statusClientGone = 499

// wrote counts what went out, and gives the next piece its time.
func (r *recorder) wrote(n int64, err error) {
	r.bytes += n
	r.cut = r.cut || err != nil
	if r.piece += n; r.piece >= answerPiece && r.timeout > 0 {
		r.piece = 0
		_ = http.NewResponseController(r.ResponseWriter).SetWriteDeadline(time.Now().Add(r.timeout))
	}
}

// finish is deferred around each request: it catches a panic, and writes the one
// log line and the metrics.
func (a *API) finish(rec *recorder, r *http.Request, c *web.RequestInfo) {
	if p := recover(); p != nil {
		if err, ok := p.(error); ok && errors.Is(err, http.ErrAbortHandler) {
			panic(p) // the way to drop a connection on purpose
		}
		a.c.Log.ErrorContext(r.Context(), "panic", "request_id", c.ID, "route", c.Route, "panic", p, "stack", string(debug.Stack()))
		if rec.status != 0 {
			// Half an answer is out: the client must not take it for a whole one.
			a.report(rec, r, c)
			panic(http.ErrAbortHandler)
		}
		wire.Fail(rec, r, wire.NewError(aigen.CodeInternal, "The request could not be completed. The requestId finds the reason in the log."))
	}
	a.report(rec, r, c)
}

// report writes the one line of a request. What the caller chose freely (path,
// query, headers, prompts) is not in it.
func (a *API) report(rec *recorder, r *http.Request, c *web.RequestInfo) {
	took := time.Since(c.Started)
	status, method, route := rec.status, knownMethod(r.Method), c.Route
	if status == 0 {
		status = http.StatusOK
	}
	if route == "" {
		route = "unmatched"
	}
	if c.Gone && status >= http.StatusInternalServerError {
		status = statusClientGone // no defect, and no answer that anybody has seen
	}
	a.c.Recorder.Request(route, method, status, took)
	level := slog.LevelInfo
	switch {
	case status >= http.StatusInternalServerError:
		level = slog.LevelError
	case c.Quiet:
		level = slog.LevelDebug
	}
	if !a.c.Log.Enabled(r.Context(), level) {
		return
	}
	c.Gone = c.Gone || rec.cut
	attrs := []slog.Attr{
		slog.String("request_id", c.ID), slog.String("method", method), slog.String("route", route),
		slog.Int("status", status), slog.Duration("took", took), slog.Int64("bytes", rec.bytes),
	}
	ctx := r.Context()
	if c.Traced != nil {
		ctx = c.Traced // the line leads to the trace
	}
	a.c.Log.LogAttrs(ctx, level, "request", append(attrs, attrsOf(c)...)...)
}

// attrsOf returns those parts of the line that only some requests have.
func attrsOf(c *web.RequestInfo) (attrs []slog.Attr) {
	for _, id := range []struct {
		name string
		id   aigen.ID
	}{{"user_id", c.User}, {"generation_id", c.Generation}, {"job_id", c.Job}} {
		if !id.id.IsZero() {
			attrs = append(attrs, slog.String(id.name, id.id.String()))
		}
	}
	if c.Outcome != "" {
		attrs = append(attrs, slog.String("outcome", c.Outcome))
	}
	if c.Replayed {
		attrs = append(attrs, slog.Bool("replayed", true))
	}
	if c.Gone {
		attrs = append(attrs, slog.Bool("client_gone", true))
	}
	if c.Code != "" {
		attrs = append(attrs, slog.String("code", string(c.Code)))
	}
	if c.Err != nil {
		attrs = append(attrs, slog.String("error", c.Err.Error()))
	}
	if c.Body != nil {
		// The format in JSON leaves some characters as they are that terminals obey.
		attrs = append(attrs, slog.String("body", wire.Plain(string(c.Body))))
	}
	return attrs
}

// knownMethod keeps invented methods out of logs and labels.
func knownMethod(m string) string {
	switch m {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch,
		http.MethodDelete, http.MethodOptions, http.MethodConnect, http.MethodTrace:
		return m
	}
	return "OTHER"
}
