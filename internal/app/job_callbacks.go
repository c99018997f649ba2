package app

import "github.com/creativeflow/aigen/internal/outbox"

// JobCallbacks says where a job reports to and with which token.
type JobCallbacks struct {
	URL    string
	Tokens *JobTokens
	// Uploads is the URL below which engines hand over pictures, each job at its own id;
	// "": they cannot.
	Uploads string
}

func (w JobCallbacks) uploads(d outbox.Delivery) *JobUploads {
	if w.Uploads == "" {
		return nil
	}
	return &JobUploads{URL: w.Uploads + d.ID.String()}
}

func (w JobCallbacks) of(d outbox.Delivery) JobCallback {
	return JobCallback{URL: w.URL, Token: w.Tokens.Make(d.GenerationID, d.ID)}
}
