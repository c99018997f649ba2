// Package console is the web console: pages for the person who wants a creative, and
// for the operator. They are rendered here from templates; scripts of a few kilobytes
// make them live. Everything is embedded, nothing has to be built.
//
// It calls the same use-cases as internal/httpapi, on whose server it lives. ADR 12
// says why it is made like this; docs/console.md what it does.
//
// Who asks is told by a cookie that holds the user's token. So each request that
// changes something has to prove that it comes from a page of ours: by where the
// browser says that it comes from, and by a token in the form (guard.go).
package console
