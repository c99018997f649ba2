// Package httpapi serves the wire contract: the API of the users, the callback of
// the workflow engine, the event streams, the documents and the probes.
//
// The routes stand in one table (routes.go), each with its guard, its handler and
// its description; the codes of errors in another (error_table.go). Huma makes the schemas
// and the OpenAPI document from the Go types and that table. It does not parse the
// requests: the contract wants every fault of a body named at once, those of the
// domain included, proofs checked over the raw bytes before anything else, and
// answers to faults that Huma only shapes through a variable of its own package.
package httpapi

//go:generate go run ./openapi/gendoc -dir ../../api
