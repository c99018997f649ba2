package app

import (
	"context"
	"encoding/json"
	"time"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/outbox"
)

// Job is what the workflow engine gets (contract section 3).
type Job struct {
	JobID           aigen.ID            `json:"jobId"`
	RunID           aigen.ID            `json:"runId"`
	JobType         outbox.DeliveryKind `json:"jobType"`
	Attempt         int                 `json:"attempt"`
	GenerationID    aigen.ID            `json:"generationId"`
	UserID          aigen.ID            `json:"userId"`
	ProjectID       aigen.ID            `json:"projectId"`
	InputPrompt     string              `json:"inputPrompt"`
	StyleGuidance   string              `json:"styleGuidance"`
	InputParameters aigen.Parameters    `json:"inputParameters"`
	SelectedSample  *aigen.Asset        `json:"selectedSample"`
	Resolution      string              `json:"resolution,omitempty"` // final_generation only
	References      []JobReference      `json:"references,omitempty"`
	Deadline        time.Time           `json:"deadline"`
	Callback        *JobCallback        `json:"callback,omitempty"` // added when the job is handed over
	Uploads         *JobUploads         `json:"uploads,omitempty"`  // likewise
}

// JobReference is a picture that the user gave along. The URL works until the deadline.
type JobReference struct {
	AssetID string              `json:"assetId"`
	Role    aigen.ReferenceRole `json:"role"`
	URL     string              `json:"url"`
	Width   int                 `json:"width"`
	Height  int                 `json:"height"`
	Format  string              `json:"format"`
}

// JobUploads tells the engine where it may hand over the bytes of a picture, with the token
// of the callback.
type JobUploads struct {
	URL string `json:"url"`
}

// JobCallback tells the engine where to report to, and with which proof.
type JobCallback struct {
	URL   string `json:"url"`
	Token string `json:"token"`
}

// JobMessage is a job on its way to the engine.
type JobMessage struct {
	JobID        aigen.ID
	GenerationID aigen.ID
	Type         outbox.DeliveryKind // DeliverSampleJob or DeliverFinalJob
	Body         []byte              // the Job as JSON
	CreatedAt    time.Time
	TraceParent  string // W3C traceparent that the engine is to pass on; "" for none

	check func(context.Context) error
}

// Check reports whether the job is still to be handed over. The error is what done is to
// be told.
func (m *JobMessage) Check(ctx context.Context) error {
	if m.check == nil {
		return nil
	}
	return m.check(ctx)
}

// newJob describes the run's newest job.
func (s *Service) newJob(g *aigen.Generation, run aigen.Run, job aigen.Job) Job {
	j := Job{
		JobID: job.ID, RunID: run.ID, JobType: outbox.DeliverSampleJob, Attempt: job.Attempt,
		GenerationID: g.ID, UserID: g.UserID, ProjectID: g.ProjectID,
		InputPrompt: g.Input.Prompt, StyleGuidance: g.Input.StyleGuidance, InputParameters: g.Input.Parameters,
		Deadline: run.Deadline,
	}
	if run.Stage == aigen.StageFinal {
		j.JobType = outbox.DeliverFinalJob
		j.Resolution = run.Resolution.String()
		if sample, ok := g.SelectedSample(); ok {
			sample = s.shownUntil(sample, run.Deadline)
			j.SelectedSample = &sample
		}
	}
	for _, r := range g.Input.References {
		j.References = append(j.References, JobReference{
			AssetID: r.AssetID, Role: r.Role, URL: s.assets.Links.URLUntil(r.Name, run.Deadline), Width: r.Width, Height: r.Height, Format: r.Format,
		})
	}
	return j
}

// withCallback adds the callback to a job as it is kept in the outbox. The token
// is a secret, so it is made when the job leaves and never written down. The body
// is not parsed for it: this is on the hot path, and what json.Marshal made of a
// Job ends with a brace.
func withCallback(payload []byte, c JobCallback, u *JobUploads) ([]byte, error) {
	field, err := json.Marshal(c)
	if err != nil {
		return nil, err
	}
	body := make([]byte, 0, len(payload)+len(field)+len(`,"callback":}`))
	body = append(body, payload[:len(payload)-1]...)
	body = append(body, `,"callback":`...)
	body = append(body, field...)
	if u != nil {
		if field, err = json.Marshal(u); err != nil {
			return nil, err
		}
		body = append(append(body, `,"uploads":`...), field...)
	}
	return append(body, '}'), nil
}
