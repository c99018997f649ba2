// Package testprogram lets tests use the whole program: it builds the binary, starts
// `aigen serve`, stops and kills it, talks to it as users and as a workflow engine do,
// and asks its database questions that no defect of the program could answer well.
// internal/testenv has the servers around it.
package testprogram
