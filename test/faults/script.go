package faults

import (
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"
)

// script is what the engine does with a job.
type script string

const (
	scriptWell       script = "well"
	scriptProgress   script = "progress"       // tells how far it is, before and after the end
	scriptTwice      script = "twice"          // the same report, one after the other
	scriptAtOnce     script = "at-once"        // the same report at the same instant on each replica
	scriptDisagree   script = "disagree"       // success and failure at the same instant
	scriptLate       script = "late"           // within the deadline
	scriptTooLate    script = "too-late"       // after the deadline
	scriptNever      script = "never"          //
	scriptBackwards  script = "backwards"      // what came last is told first
	scriptGarbage    script = "garbage"        // no JSON, no fields, no proof; then well
	scriptWrongJob   script = "wrong-job"      // another generation's job, one that nobody knows; then well
	scriptOtherStage script = "other-stage"    // final while samples run and the other way round; then well
	scriptNoJobID    script = "no-job-id"      // an older workflow
	scriptRetryable  script = "retryable"      // fails, another attempt may help
	scriptFail       script = "fail"           // fails for good
	scriptReject     script = "reject"         // the content is refused
	scriptRefuse     script = "dead-letter"    // the job goes to the dead letters
	scriptAgain      script = "repeat"         // the job came before: reported once more
	scriptHalf       script = "half-and-again" // cuts its own call in the middle, then repeats it
)

// scripts with their share in a thousand; the rest is well.
var scripts = []struct {
	script
	share uint64
}{
	{scriptProgress, 60}, {scriptTwice, 50}, {scriptAtOnce, 60}, {scriptDisagree, 20}, {scriptLate, 60}, {scriptTooLate, 6},
	{scriptNever, 6}, {scriptBackwards, 30}, {scriptGarbage, 30}, {scriptWrongJob, 30}, {scriptOtherStage, 20},
	{scriptNoJobID, 20}, {scriptRetryable, 60}, {scriptFail, 15}, {scriptReject, 15}, {scriptRefuse, 3}, {scriptHalf, 20},
}

func (e *engine) scriptOf(j *job) script {
	n := dice(e.seed, j.key()) % 1000
	for _, s := range scripts {
		if n < s.share {
			return s.script
		}
		n -= s.share
	}
	return scriptWell
}

// play does what the script says.
func (e *engine) play(j job, s script) {
	switch s {
	case scriptWell, scriptAgain:
		e.insist(j, "success", j.success())
	case scriptProgress:
		e.once(j, "progress", true, progress(30))
		e.insist(j, "success", j.success())
		e.once(j, "progress", true, progress(60))
	case scriptTwice:
		e.insist(j, "success", j.success())
		e.insist(j, "success", j.success())
	case scriptAtOnce:
		e.together(j, []map[string]any{j.success(), j.success(), j.success()}, []string{"success", "success", "success"})
	case scriptDisagree:
		e.together(j, []map[string]any{j.success(), j.failure(false), rejection()}, []string{"success", "failure", "rejected"})
	case scriptLate:
		e.sleep(time.Duration(200+dice(e.seed, j.key()+"late")%5000) * time.Millisecond)
		e.insist(j, "success", j.success())
	case scriptTooLate:
		e.sleep(time.Until(j.Deadline) + 2500*time.Millisecond)
		e.insist(j, "success", j.success())
	case scriptNever, scriptRefuse:
	case scriptBackwards:
		e.once(j, "progress", true, progress(99))
		e.insist(j, "success", j.success())
		e.once(j, "failure", false, j.failure(true))
		e.once(j, "rejected", false, rejection())
	case scriptGarbage:
		e.garbage(j)
		e.insist(j, "success", j.success())
	case scriptWrongJob:
		e.wrongJob(j)
		e.insist(j, "success", j.success())
	case scriptOtherStage:
		other := j
		other.JobType = map[string]string{sampleJob: finalJob, finalJob: sampleJob}[j.JobType]
		e.once(j, "other stage", false, other.success())
		e.insist(j, "success", j.success())
	case scriptNoJobID:
		body := j.success()
		body["jobId"] = nil
		e.insist(j, "success without jobId", body)
	case scriptRetryable:
		e.insist(j, "retryable", j.failure(true))
	case scriptFail:
		e.insist(j, "failure", j.failure(false))
	case scriptReject:
		e.insist(j, "rejected", rejection())
	case scriptHalf:
		e.half(j)
		e.insist(j, "success", j.success())
	}
}

// target is the replica that a call goes to.
func (e *engine) target(text string) (int, string) {
	urls := e.urls()
	n := int(dice(e.seed, text) % uint64(len(urls)))
	return n, urls[n]
}

// insist reports until there is an answer, as a good engine does, until the stage is
// over for sure.
func (e *engine) insist(j job, what string, body map[string]any) {
	deadline := time.Until(j.Deadline) + 2*stageTimeout
	end := time.Now().Add(max(deadline, stageTimeout))
	for try := 0; e.ctx.Err() == nil && time.Now().Before(end); try++ {
		n, url := e.target(j.JobID + what + string(rune('0'+try%10)))
		if e.report(j, n, url, what, true, body, nil) {
			return
		}
		e.sleep(time.Duration(20+min(try, 20)*20) * time.Millisecond)
	}
}

func (e *engine) once(j job, what string, honest bool, body map[string]any) {
	n, url := e.target(j.JobID + what)
	e.report(j, n, url, what, honest, body, nil)
}

// together reports at the same instant, each report to a replica of its own, and then
// insists on the first: an engine whose call failed repeats it.
func (e *engine) together(j job, bodies []map[string]any, names []string) {
	start := make(chan struct{})
	urls := e.urls()
	var wg sync.WaitGroup
	heard := make([]bool, len(bodies))
	for i, body := range bodies {
		wg.Go(func() {
			<-start
			n := i % len(urls)
			heard[i] = e.report(j, n, urls[n], names[i], true, body, nil)
		})
	}
	close(start)
	wg.Wait()
	for _, h := range heard {
		if h {
			return
		}
	}
	e.insist(j, names[0], bodies[0])
}

// report makes one call and records it. It reports whether there was an answer that
// ends the matter.
func (e *engine) report(j job, n int, url, what string, honest bool, body map[string]any, header http.Header) bool {
	all := map[string]any{"generationId": j.GenerationID, "jobId": j.JobID}
	for k, v := range body {
		all[k] = v
	}
	if id, given := all["jobId"]; given && id == nil {
		delete(all, "jobId")
	}
	raw, err := json.Marshal(all)
	if err != nil {
		panic(err)
	}
	if header == nil {
		header = http.Header{"Authorization": {"Bearer " + j.Callback.Token}}
		if what == "success without jobId" {
			header = http.Header{"X-N8n-Webhook-Secret": {e.secret}}
		}
	}
	return e.post(j, n, url, what, honest, raw, header)
}

func (e *engine) post(j job, n int, url, what string, honest bool, raw []byte, header http.Header) bool {
	e.slots <- struct{}{}
	defer func() { <-e.slots }()
	r := Report{At: time.Now(), Job: j.JobID, Run: j.RunID, Generation: j.GenerationID, What: what, Honest: honest, Replica: n}
	a, err := send(e.client, url, raw, header)
	r.HTTP, r.Outcome = a.http, a.outcome
	if err != nil {
		r.Err = err.Error()
	}
	add(e.records, &e.records.Reports, r)
	if r.HTTP == http.StatusInternalServerError {
		e.records.odd("answers", j.GenerationID, "500 to a callback (%s): %s", what, a.outcome)
	}
	return err == nil && a.http < 500 && a.http != http.StatusTooManyRequests
}

// garbage sends what nobody can read or nobody proves.
func (e *engine) garbage(j job) {
	n, url := e.target(j.JobID + "garbage")
	proof := func() http.Header { return http.Header{"Authorization": {"Bearer " + j.Callback.Token}} }
	for i, text := range []string{
		`{"generationId": "` + j.GenerationID + `", "jobId": `, `[]`, `{"status": "success"}`, "\x00\xff\xfe",
		`{"generationId": "` + j.GenerationID + `", "jobId": "` + j.JobID + `", "status": "success", "stage": "samples_generated", "results": {"sampleAssets": []}}`,
	} {
		if uint64(i) == dice(e.seed, j.key()+"g")%5 || i == 4 {
			e.refused(j, n, url, "garbage", []byte(text), proof())
		}
	}
	good, err := json.Marshal(map[string]any{"generationId": j.GenerationID, "jobId": j.JobID, "status": "failure", "stage": "content_rejected",
		"error": map[string]any{"code": "x", "message": "x"}})
	if err != nil {
		panic(err)
	}
	e.refused(j, n, url, "no proof", good, http.Header{})
	e.refused(j, n, url, "wrong proof", good, http.Header{"Authorization": {"Bearer " + strings.Repeat("x", 43)}})
}

// refused sends what must not be taken.
func (e *engine) refused(j job, n int, url, what string, raw []byte, header http.Header) {
	before := time.Now()
	e.post(j, n, url, what, false, raw, header)
	e.records.mu.Lock()
	defer e.records.mu.Unlock()
	for i := len(e.records.Reports) - 1; i >= 0 && !e.records.Reports[i].At.Before(before); i-- {
		if r := e.records.Reports[i]; r.Job == j.JobID && r.What == what && r.HTTP == http.StatusOK {
			e.records.Odd = append(e.records.Odd, Odd{At: r.At, Rule: "callbacks", Generation: j.GenerationID, Text: what + " was taken: " + r.Outcome})
		}
	}
}

// wrongJob reports with another job's id.
func (e *engine) wrongJob(j job) {
	n, url := e.target(j.JobID + "wrong")
	unknown := j.success()
	unknown["jobId"] = uuid.NewString()
	e.report(j, n, url, "unknown job", false, unknown, nil)
	o, ok := e.other(&j)
	if !ok {
		return
	}
	// Another generation's job with this one's token, and this job with the other's.
	crossed := o.success()
	crossed["jobId"] = o.JobID
	e.report(j, n, url, "other's job", false, crossed, nil)
	e.report(j, n, url, "other's token", false, j.failure(false), http.Header{"Authorization": {"Bearer " + o.Callback.Token}})
}

// half hangs up in the middle of its own call.
func (e *engine) half(j job) {
	_, url := e.target(j.JobID + "half")
	raw, err := json.Marshal(map[string]any{"generationId": j.GenerationID, "jobId": j.JobID, "status": "success"})
	if err != nil {
		panic(err)
	}
	hangUp(strings.TrimPrefix(url, "http://"), j.Callback.Token, raw)
}
