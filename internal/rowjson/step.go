package rowjson

import (
	"strconv"

	"github.com/creativeflow/aigen"
)

// What each step writes is written by hand: Marshal takes several times as long, and the
// bytes are the same.

// Jobs is the jobs of a run as Marshal writes them. Their words need no escapes.
func Jobs(jobs []aigen.Job) string {
	const room = 160 // for each
	b := append(make([]byte, 0, room*len(jobs)), '[')
	for i := range jobs {
		if i > 0 {
			b = append(b, ',')
		}
		j := &jobs[i]
		b = j.ID.AppendTo(append(b, `{"id":"`...))
		b = strconv.AppendInt(append(b, `","attempt":`...), int64(j.Attempt), 10)
		b = append(append(b, `,"state":"`...), j.State...)
		b = j.ReportFingerprint.AppendTo(append(b, `","report":"`...))
		b = append(b, `"}`...)
	}
	return string(append(b, ']'))
}

// Event is the data of an event as Marshal writes it.
func Event(e *aigen.Event) (string, error) {
	d := &e.Data
	if e.Operator != nil || len(d.SampleAssets) > 0 || d.SelectedSampleID != "" || d.FinalAssetID != "" ||
		d.FinalAsset != nil || d.AssetID != "" || d.ExternalID != "" || len(d.Metadata) > 0 || d.Error != nil || d.Progress != nil {
		return Marshal(EventData{e.Data, e.Operator}) // with texts of others
	}
	const room = 256
	b := make([]byte, 0, room)
	b = d.GenerationID.AppendTo(append(b, `{"generationId":"`...))
	b = d.ProjectID.AppendTo(append(b, `","projectId":"`...))
	b = append(append(b, `","status":"`...), d.Status...)
	b = append(b, '"')
	if d.Stage != "" {
		b = append(append(b, `,"stage":"`...), d.Stage...)
		b = append(b, '"')
	}
	if d.Attempt != 0 {
		b = strconv.AppendInt(append(b, `,"attempt":`...), int64(d.Attempt), 10)
	}
	b = d.Credits.Reserved.AppendTo(append(b, `,"credits":{"reserved":"`...))
	b = d.Credits.Deducted.AppendTo(append(b, `","deducted":"`...))
	b = d.Credits.Refunded.AppendTo(append(b, `","refunded":"`...))
	return string(append(b, `"}}`...)), nil
}
