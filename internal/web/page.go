package web

import "net/http"

// Page is a route of another handler on the same server: one of the console. It has
// what all routes have (an id, a log line, metrics, a trace, a deadline) and is in no
// document. It sets its own headers and answers its own errors. The one for "/" is for
// browsers alone: programs are led to the documents. No page is under /api/.
type Page struct {
	Method  string
	Path    string // a pattern of ServeMux; "/" means that path alone
	Quiet   bool   // asked for all day: its log lines are for debugging
	Handler http.Handler
}
