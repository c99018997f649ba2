// Package source tests the source itself: rules of docs/security.md that no run of the
// program can show.
package source
