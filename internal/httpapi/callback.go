package httpapi

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/app"
)

// processedView is the answer to a callback.
type processedView struct {
	Outcome string `json:"outcome" enum:"applied,duplicate,stale,ignored" doc:"Only applied has changed anything."`
	Status  string `json:"status" enum:"@status"`
}

// callback takes what the workflow engine reports. The order matters: a caller
// without a proof costs nothing, and one with a wrong proof learns nothing.
func (a *API) callback(w http.ResponseWriter, r *http.Request) error {
	proof := readCallbackAuth(r)
	if a.c.CallbackSecurity && !proof.given() {
		return &apiError{
			code:    codeMissingProof,
			detail:  "Prove the callback by the job's token, X-N8N-Webhook-Secret, or a webhook-signature.",
			headers: challenge(`Bearer realm="aigen callbacks"`),
		}
	}
	room := &claim{of: a.unproved}
	defer room.free()
	body, err := a.authenticateCallback(w, r, proof, room)
	if err != nil {
		return err
	}
	var f faults
	o := newObject("body", body, &f)
	tokenJob, err := a.checkToken(o, proof)
	if err != nil {
		return err
	}
	cmd := readCallback(o)
	if a.c.Pictures == nil {
		refuseData(&f, cmd.Report)
	}
	if err := f.err(); err != nil {
		return err
	}
	if !tokenJob.IsZero() {
		if cmd.Report.JobID.IsZero() {
			cmd.Report.JobID = tokenJob
		}
		if cmd.Report.JobID != tokenJob {
			return newAPIError(codeInvalidProof, "The token is for another job than jobId.")
		}
	}
	return a.process(w, r, cmd)
}

func (a *API) process(w http.ResponseWriter, r *http.Request, cmd app.ProcessResult) error {
	c := infoFrom(r.Context())
	cmd.Received = true
	c.generation, c.job = cmd.GenerationID, cmd.Report.JobID
	done, err := a.c.Service.ProcessN8NResult(r.Context(), cmd)
	if err != nil {
		return err
	}
	c.outcome = string(done.Outcome)
	return writeJSON(w, http.StatusOK, processedView{Outcome: string(done.Outcome), Status: string(done.Status)})
}

// refuseData refuses data: URLs where no copy is kept: users would get them as they are.
func refuseData(f *faults, r aigen.Report) {
	for i := range r.Samples {
		if strings.HasPrefix(r.Samples[i].URL, "data:") {
			f.add("body.results.sampleAssets["+strconv.Itoa(i)+"].url", "may be a data: URL only where pictures are stored (ASSET_INGEST)")
		}
	}
	if r.FinalAsset != nil && strings.HasPrefix(r.FinalAsset.URL, "data:") {
		f.add("body.results.finalAsset.url", "may be a data: URL only where pictures are stored (ASSET_INGEST)")
	}
}
