package faults

import (
	"net/http"
	"strings"
	"time"
)

// dispatches: every job reached the engine, but those that were dropped before they could:
// of a generation that was cancelled, or failed without a report on them.
func (j *judge) dispatches(g *Generation) {
	for _, r := range g.Runs {
		for i, job := range r.Jobs {
			if job.Attempt != i+1 {
				j.broken(RuleLive, g.ID, "job %s is attempt %d at place %d of its run", job.ID, job.Attempt, i+1)
			}
			dropped := job.State == "dropped" && (g.Status == "Cancelled" || g.Status == "Failed")
			if len(j.seen[job.ID]) == 0 && !dropped {
				j.broken(RuleJobs, g.ID, "job %s (%s, attempt %d, %s) never reached the engine", job.ID, r.Stage, job.Attempt, job.State)
			}
		}
	}
}

// strangers: nothing reached the engine that the database does not know.
func (j *judge) strangers() {
	for _, s := range j.ev.Jobs {
		r := j.jobs[s.Job]
		g := j.of[s.Run]
		switch {
		case s.Wrong != "":
			j.broken(RuleJobs, s.Generation, "job %s is against the contract: %s", s.Job, s.Wrong)
		case r == nil:
			j.broken(RuleJobs, s.Generation, "job %s reached the engine and is not in the database", s.Job)
		case r.ID != s.Run || g == nil || g.ID != s.Generation || g.User != s.User || r.Stage != strings.TrimSuffix(s.JobType, "_generation")+map[bool]string{true: "s"}[s.JobType == sampleJob]:
			j.broken(RuleJobs, s.Generation, "job %s says run %s, %s; it is of run %s, %s", s.Job, s.Run, s.JobType, r.ID, r.Stage)
		default:
			for _, known := range r.Jobs {
				if known.ID == s.Job && known.Attempt != s.Attempt {
					j.broken(RuleJobs, s.Generation, "job %s says attempt %d; it is attempt %d", s.Job, s.Attempt, known.Attempt)
				}
			}
		}
	}
}

// live: only the newest job may be live, and a job is made when the one before it has
// been reported on: the engine itself has sent that report before it sees the next job.
func (j *judge) live(g *Generation) {
	var before *Job
	for _, r := range g.Runs {
		for i := range r.Jobs {
			job := &r.Jobs[i]
			if job.State == "live" {
				j.broken(RuleLive, g.ID, "job %s is live", job.ID)
			}
			if before != nil {
				j.successor(g, before, job)
			}
			before = job
		}
	}
}

func (j *judge) successor(g *Generation, before, job *Job) {
	first := time.Time{}
	for _, s := range j.seen[job.ID] {
		if first.IsZero() || s.At.Before(first) {
			first = s.At
		}
	}
	if first.IsZero() {
		return // told by dispatches
	}
	for _, r := range j.reports[before.ID] {
		if r.Honest && r.What != "progress" && r.At.Before(first) {
			return
		}
	}
	j.broken(RuleLive, g.ID, "job %s reached the engine while job %s was live: nothing had been reported on that", job.ID, before.ID)
}

// settling are the reports that settle a job, by the state that they lead to.
var settling = map[string]map[string]bool{
	"succeeded": {"success": true, "success without jobId": true},
	"failed":    {"failure": true, "retryable": true},
	"rejected":  {"rejected": true},
}

// made: what a generation has was reported by its own jobs.
func (j *judge) made(g *Generation) {
	var samples, final string // the jobs that made them
	for _, r := range g.Runs {
		for _, job := range r.Jobs {
			if allowed := settling[job.State]; allowed != nil && !j.reported(job.ID, allowed) {
				j.broken(RuleReports, g.ID, "job %s is %s, which the engine never said", job.ID, job.State)
			}
			if job.State == "succeeded" && r.Stage == "samples" {
				samples = job.ID
			} else if job.State == "succeeded" {
				final = job.ID
			}
		}
	}
	for _, id := range g.SampleIDs {
		if samples == "" || !strings.HasSuffix(id, samples) {
			j.broken(RuleReports, g.ID, "sample %s is not of job %q", id, samples)
		}
	}
	if (g.Status == "Completed") != (final != "") || (final != "" && g.FinalID != "final-"+final) {
		j.broken(RuleReports, g.ID, "it is %s with final %q; the job that made one is %q", g.Status, g.FinalID, final)
	}
	if samples != "" && len(g.SampleIDs) != g.Samples {
		j.broken(RuleReports, g.ID, "it has %d samples of %d", len(g.SampleIDs), g.Samples)
	}
}

func (j *judge) reported(job string, what map[string]bool) bool {
	for _, r := range j.reports[job] {
		if what[r.What] {
			return true
		}
	}
	return false
}

// answersToReports: each job is settled once, and never by what is not its own.
func (j *judge) answersToReports() {
	applied := map[string]int{}
	for _, r := range j.ev.Reports {
		if r.HTTP != http.StatusOK || r.Outcome != "applied" || r.What == "progress" {
			continue
		}
		switch r.What {
		case "garbage", "no proof", "wrong proof", "unknown job", "other's job", "other's token", "other stage":
			j.broken(RuleReports, r.Generation, "%s for job %s was applied", r.What, r.Job)
		default:
			if applied[r.Job]++; applied[r.Job] == 2 {
				j.broken(RuleReports, r.Generation, "job %s was settled twice", r.Job)
			}
		}
	}
}
