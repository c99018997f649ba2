package httpapi

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/app"
	"github.com/creativeflow/aigen/internal/httpapi/wire"
	"github.com/creativeflow/aigen/internal/web"
)

// callback takes what the workflow engine reports. The order matters: a caller
// without a proof costs nothing, and one with a wrong proof learns nothing.
func (a *API) callback(w http.ResponseWriter, r *http.Request) error {
	proof := readCallbackAuth(r)
	if a.c.CallbackSecurity && !proof.given() {
		return &wire.Error{
			Code:    wire.CodeMissingProof,
			Detail:  "Prove the callback by the job's token, X-N8N-Webhook-Secret, or a webhook-signature.",
			Headers: challenge(`Bearer realm="aigen callbacks"`),
		}
	}
	room := &wire.Claim{Of: a.unproved}
	defer room.Free()
	body, err := a.authenticateCallback(w, r, proof, room)
	if err != nil {
		return err
	}
	var f wire.Faults
	o := wire.NewObject("body", body, &f)
	tokenJob, err := a.checkToken(o, proof)
	if err != nil {
		return err
	}
	cmd := readCallback(o)
	if a.c.Pictures == nil {
		refuseData(&f, cmd.Report)
	}
	if err := f.Err(); err != nil {
		return err
	}
	if !tokenJob.IsZero() {
		if cmd.Report.JobID.IsZero() {
			cmd.Report.JobID = tokenJob
		}
		if cmd.Report.JobID != tokenJob {
			return wire.NewError(wire.CodeInvalidProof, "The token is for another job than jobId.")
		}
	}
	return a.process(w, r, cmd)
}

func (a *API) process(w http.ResponseWriter, r *http.Request, cmd app.ProcessResult) error {
	c := web.InfoFrom(r.Context())
	cmd.Received = true
	c.Generation, c.Job = cmd.GenerationID, cmd.Report.JobID
	done, err := a.c.Service.ProcessN8NResult(r.Context(), cmd)
	if err != nil {
		return err
	}
	c.Outcome = string(done.Outcome)
	return wire.WriteJSON(w, http.StatusOK, wire.ProcessedView{Outcome: string(done.Outcome), Status: string(done.Status)})
}

// refuseData refuses data: URLs where no copy is kept: users would get them as they are.
func refuseData(f *wire.Faults, r aigen.Report) {
	for i := range r.Samples {
		if strings.HasPrefix(r.Samples[i].URL, "data:") {
			f.Add("body.results.sampleAssets["+strconv.Itoa(i)+"].url", "may be a data: URL only where pictures are stored (ASSET_INGEST)")
		}
	}
	if r.FinalAsset != nil && strings.HasPrefix(r.FinalAsset.URL, "data:") {
		f.Add("body.results.finalAsset.url", "may be a data: URL only where pictures are stored (ASSET_INGEST)")
	}
}
