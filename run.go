package aigen

import "time"

// Run is one execution of a stage that the user asked for (create, regenerate,
// select). It owns one reservation and one or more jobs, its attempts.
type Run struct {
	ID     ID // also the reference of the reservation at the credit service
	Number int
	Stage  Stage

	Input      *Input     // of a regeneration: replaces the input of the generation when the credits are held
	SampleID   string     // final: the chosen sample
	Resolution Resolution // final: the asked size

	Amount             Credits
	Reservation        ReservationState
	ReservationRetryAt time.Time // while a caller waits for the credit service: when the outbox takes over

	Jobs      []Job     // oldest first; only the last can be live
	Deadline  time.Time // of the stage; while pending and deferred: of the reservation
	CreatedAt time.Time
}

// JobState is the state of one dispatch.
type JobState string

// The states of a job. Only a live job can move its generation.
const (
	JobLive      JobState = "live"      // dispatched or about to be, no answer yet
	JobSucceeded JobState = "succeeded" // it reported success
	JobFailed    JobState = "failed"    // it reported a failure
	JobRejected  JobState = "rejected"  // it reported that the content was rejected
	JobDropped   JobState = "dropped"   // the generation ended before it reported
)

// Job is one dispatch of a run to the workflow engine.
type Job struct {
	ID                ID          `json:"id"`
	Attempt           int         `json:"attempt"` // 1 for the first of its run
	State             JobState    `json:"state"`
	ReportFingerprint Fingerprint `json:"report"` // of the callback that ended the job; zero if none did
}

// job returns the run's last job; nil if it has none.
func (r *Run) job() *Job {
	if len(r.Jobs) == 0 {
		return nil
	}
	return &r.Jobs[len(r.Jobs)-1]
}

// liveJob returns the job whose report counts; nil if there is none.
func (r *Run) liveJob() *Job {
	if j := r.job(); j != nil && j.State == JobLive {
		return j
	}
	return nil
}

// dispatch adds the next job to the run.
func (r *Run) dispatch(id ID) *Job {
	r.Jobs = append(r.Jobs, Job{ID: id, Attempt: len(r.Jobs) + 1, State: JobLive})
	return r.job()
}

func (r *Run) clone() Run {
	c := *r
	c.Jobs = append([]Job(nil), r.Jobs...)
	return c
}
