// Package e2e tests the whole program: it builds the binary, starts it, talks to it
// over HTTP, kills it, and looks into its database.
package e2e
