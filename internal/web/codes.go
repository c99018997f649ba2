package web

import "github.com/creativeflow/aigen"

// The error codes that the API and the console share and the domain does not have.
const (
	CodeTooManyStreams      aigen.Code = "too_many_streams"
	CodeAuthUnavailable     aigen.Code = "auth_unavailable"
	CodeBusy                aigen.Code = "busy"
	CodeDatabaseUnavailable aigen.Code = "database_unavailable"
	CodeShuttingDown        aigen.Code = "shutting_down"
)
