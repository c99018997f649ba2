// Package web is what the API (httpapi) and the console have in common: who asks, what
// is known of a request, how much of the service one user may take up, and how a stream
// of events lives and ends. It is a library for these adapters and serves nothing itself.
package web
