// Package openapi makes the OpenAPI document, and the page of it that a person reads. The
// table of routes names the Operation of each; Huma makes the schemas from Go types.
package openapi
