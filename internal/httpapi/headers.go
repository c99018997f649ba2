package httpapi

import (
	"net/http"
	"slices"
	"strings"
)

// Values that many answers have in common. Set would make each of them anew for each
// answer; whoever changes one puts another in its place.
var (
	noSniff    = []string{"nosniff"}
	noContent  = []string{"default-src 'none'; frame-ancestors 'none'"}
	noFrame    = []string{"DENY"}
	noReferrer = []string{"no-referrer"}
	sameOrigin = []string{"same-origin"}
	noStore    = []string{"no-store"}
)

// secure sets what every answer bears. An API answer is no page: nothing in it may
// run, be framed or be guessed to be something else.
func secure(h http.Header) {
	h["X-Content-Type-Options"] = noSniff
	h["Content-Security-Policy"] = noContent
	h["X-Frame-Options"] = noFrame
	h["Referrer-Policy"] = noReferrer
	h["Cross-Origin-Resource-Policy"] = sameOrigin
}

const (
	corsMethods = "GET, HEAD, POST, DELETE"
	// Besides our own: what fetch and polyfills of EventSource add, and what tracing in
	// the browser does. One header that is missing here breaks the whole page.
	corsHeaders = "Authorization, Content-Type, Accept, Idempotency-Key, If-None-Match, Last-Event-ID, X-Request-Id, X-Correlation-ID, " +
		"Cache-Control, Pragma, X-Requested-With, Range, If-Range, traceparent, tracestate, baggage, sentry-trace"
	corsExposed = "ETag, Location, Retry-After, RateLimit, RateLimit-Policy, WWW-Authenticate, X-Request-Id, Idempotency-Replayed"
)

// cors says what pages of other origins may do, and answers their preflight. The
// API knows no cookies, so credentials are never allowed; pages, which do, are left out. It reports whether it answered.
func (a *API) cors(w http.ResponseWriter, r *http.Request) bool {
	if len(a.c.CORSOrigins) == 0 {
		return false
	}
	h := w.Header()
	h.Add("Vary", "Origin")
	origin := r.Header.Get("Origin")
	preflight := r.Method == http.MethodOptions && r.Header.Get("Access-Control-Request-Method") != ""
	if origin == "" || !a.allowedOrigin(origin) || a.isPage(r, preflight) {
		return false
	}
	// Else a page could not show the pictures, or read a problem.
	h.Set("Cross-Origin-Resource-Policy", "cross-origin")
	h.Set("Access-Control-Allow-Origin", origin)
	if !preflight {
		h.Set("Access-Control-Expose-Headers", corsExposed)
		return false
	}
	h.Add("Vary", "Access-Control-Request-Method")
	h.Add("Vary", "Access-Control-Request-Headers")
	h.Set("Access-Control-Allow-Methods", corsMethods)
	h.Set("Access-Control-Allow-Headers", corsHeaders)
	h.Set("Access-Control-Max-Age", "600")
	w.WriteHeader(http.StatusNoContent)
	return true
}

func (a *API) allowedOrigin(origin string) bool {
	return slices.ContainsFunc(a.c.CORSOrigins, func(allowed string) bool {
		return allowed == "*" || strings.EqualFold(allowed, origin)
	})
}
