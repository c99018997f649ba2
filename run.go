package aigen

import "time"

// Run is one execution of a stage that the user asked for (create, regenerate,
// select). It owns one reservation and one or more jobs, its attempts.
type Run struct {
	ID     ID // also the reference of the reservation at the credit service
	Number int
	Stage  Stage

	Input      *Input     // what a regeneration changes, taken over when the credits are held
	SampleID   string     // final: the chosen sample
	Resolution Resolution // final: the asked size

	Amount      Credits
	Reservation ReservationState
	AskAt       time.Time // while a caller waits for the credit service: when somebody else asks

	Jobs      []Job     // oldest first; only the last can be live
	Deadline  time.Time // of the stage; while pending: of the reservation that the outbox asks for
	CreatedAt time.Time
}

// JobState is what became of one dispatch.
type JobState string

// The states of a job. Only a live one can move its generation.
const (
	JobLive      JobState = "live"      // dispatched or about to be, no answer yet
	JobSucceeded JobState = "succeeded" // it reported success
	JobFailed    JobState = "failed"    // it reported a failure
	JobRejected  JobState = "rejected"  // it reported that the content is refused
	JobDropped   JobState = "dropped"   // the generation ended before it reported
)

// Job is one dispatch of a run to the workflow engine.
type Job struct {
	ID      ID          `json:"id"`
	Attempt int         `json:"attempt"` // 1 for the first of its run
	State   JobState    `json:"state"`
	Report  Fingerprint `json:"report"` // of the callback that settled it; zero if none did
}

// job returns the run's last job, nil before the first.
func (r *Run) job() *Job {
	if len(r.Jobs) == 0 {
		return nil
	}
	return &r.Jobs[len(r.Jobs)-1]
}

// liveJob returns the job whose callback counts, nil if there is none.
func (r *Run) liveJob() *Job {
	if j := r.job(); j != nil && j.State == JobLive {
		return j
	}
	return nil
}

// dispatch gives the run its next job.
func (r *Run) dispatch(id ID) *Job {
	r.Jobs = append(r.Jobs, Job{ID: id, Attempt: len(r.Jobs) + 1, State: JobLive})
	return r.job()
}

func (r *Run) clone() Run {
	c := *r
	c.Jobs = append([]Job(nil), r.Jobs...)
	return c
}
