package app

import "github.com/creativeflow/aigen/internal/outbox"

// JobCallbacks says where a job reports to and with which token.
type JobCallbacks struct {
	URL    string
	Tokens *JobTokens
}

func (w JobCallbacks) of(d outbox.Delivery) JobCallback {
	return JobCallback{URL: w.URL, Token: w.Tokens.Make(d.GenerationID, d.ID)}
}
