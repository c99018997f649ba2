package httpapi

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/app"
	"github.com/creativeflow/aigen/internal/httpapi/wire"
	"github.com/creativeflow/aigen/internal/jsonscan"
)

// The words of a callback.
const (
	statusSuccess = "success"
	statusFailure = "failure"

	stageSamples  = "samples_generated"
	stageFinal    = "final_asset_generated"
	stageRejected = "content_rejected"
	stageProgress = "progress"
)

// maxPixels bounds what an engine may say of a picture's side.
const maxPixels = 100_000

// readCallback reads a report. Fields it does not know are let through: workflows
// are older or newer than the service.
func readCallback(o wire.Object) (cmd app.ProcessResult) {
	if o.Members == nil {
		return cmd
	}
	o.Need("generationId")
	cmd.GenerationID, _ = o.ID("generationId")
	cmd.Report.JobID, _ = o.ID("jobId")
	status := oneOf(o, "status", statusSuccess, statusFailure)
	stage := oneOf(o, "stage", stageSamples, stageFinal, stageRejected, stageProgress)
	results, _ := o.Child("results")
	if model, ok := results.Text("aiModelUsed"); ok {
		cmd.Report.AIModelUsed = wire.Shorten(wire.Plain(model), 255)
	}
	switch {
	case stage == stageProgress:
		readProgress(o, results, status, &cmd)
	case stage == stageRejected:
		cmd.Report.Kind = aigen.ReportRejected
		cmd.Report.Failure = readFailure(o, status == statusFailure, rejectedDefault)
	case status == statusFailure:
		cmd.Report.Kind = aigen.ReportFailure
		cmd.Report.Stage = stageOf(stage)
		cmd.Report.Failure = readFailure(o, true, failedDefault)
	case stage == stageSamples:
		cmd.Report.Kind, cmd.Report.Stage = aigen.ReportSamples, aigen.StageSamples
		cmd.Report.Samples = readSamples(results)
	case stage == stageFinal:
		cmd.Report.Kind, cmd.Report.Stage = aigen.ReportFinal, aigen.StageFinal
		readFinal(results, &cmd.Report)
	}
	return cmd
}

func stageOf(word string) aigen.Stage {
	if word == stageFinal {
		return aigen.StageFinal
	}
	return aigen.StageSamples
}

// oneOf reads a required word.
func oneOf(o wire.Object, name string, words ...string) string {
	if !o.Need(name) {
		return ""
	}
	s, ok := o.Text(name)
	for _, word := range words {
		if ok && s == word {
			return word
		}
	}
	o.Fault(name, "must be one of %s", strings.Join(words, ", "))
	return ""
}

func readProgress(o, results wire.Object, status string, cmd *app.ProcessResult) {
	if status == statusFailure {
		o.Fault("status", "must be success for progress; a failure has the stage that failed")
	}
	results.Need("progress")
	percent := results.Percent("progress")
	cmd.Progress = &percent
}

func readSamples(results wire.Object) []aigen.Asset {
	results.Need("sampleAssets")
	elements, ok := results.List("sampleAssets")
	if !ok {
		return nil
	}
	if len(elements) < 1 || len(elements) > aigen.MaxSamples {
		results.Fault("sampleAssets", "must have 1 to %d assets", aigen.MaxSamples)
		return nil
	}
	samples := make([]aigen.Asset, len(elements))
	for i, raw := range elements {
		o := wire.NewObject(results.Location("sampleAssets")+"["+strconv.Itoa(i)+"]", raw, results.Faults)
		samples[i] = readAsset(o)
		id := samples[i].AssetID
		if id != "" && slices.ContainsFunc(samples[:i], func(other aigen.Asset) bool { return other.AssetID == id }) {
			o.Fault("assetId", "comes twice")
		}
	}
	return samples
}

func readFinal(results wire.Object, rep *aigen.Report) {
	id, _ := results.Text("finalAssetId")
	if _, given := results.Get("finalAssetId"); given {
		checkAssetID(results, "finalAssetId", id)
	}
	rep.FinalAssetID = id
	o, given := results.Child("finalAsset")
	switch {
	case given:
		asset := readAsset(o)
		rep.FinalAsset = &asset
		if id != "" && asset.AssetID != "" && id != asset.AssetID {
			results.Fault("finalAssetId", "is not the assetId of finalAsset")
		}
		rep.FinalAssetID = asset.AssetID
	case id == "":
		results.Fault("finalAsset", "is required, or finalAssetId")
	}
}

func readAsset(o wire.Object) (a aigen.Asset) {
	if o.Members == nil {
		return a
	}
	if o.Need("assetId") {
		a.AssetID, _ = o.Text("assetId")
		checkAssetID(o, "assetId", a.AssetID)
	}
	if _, given := o.Get("url"); given {
		a.URL, _ = o.Text("url")
		if why := badURL(a.URL); why != "" {
			o.Fault("url", "%s", why)
		}
	}
	a.Width = o.Number("width", maxPixels)
	a.Height = o.Number("height", maxPixels)
	if f, ok := o.Text("format"); ok {
		a.Format = wire.Shorten(wire.Plain(f), 32)
	}
	a.Metadata = readMetadata(o)
	return a
}

func checkAssetID(o wire.Object, name, id string) {
	if id == "" || len(id) > aigen.MaxAssetIDLength || strings.ContainsFunc(id, unicode.IsControl) {
		o.Fault(name, "must have 1 to %d bytes without control characters", aigen.MaxAssetIDLength)
	}
}

// readMetadata keeps an asset's metadata in its canonical form: a repeat of the
// callback may spell it otherwise.
func readMetadata(o wire.Object) json.RawMessage {
	raw, ok := o.Get("metadata")
	if !ok {
		return nil
	}
	m := wire.NewObject(o.Location("metadata"), raw, o.Faults)
	if m.Members == nil {
		return nil
	}
	if why := jsonscan.CheckFree(raw); why != "" {
		o.Fault("metadata", "%s", why)
	}
	raw, err := jsonscan.Canonical(raw)
	if err != nil || len(raw) > aigen.MaxAssetMetadata {
		o.Fault("metadata", "may have at most %d bytes as JSON", aigen.MaxAssetMetadata)
		return nil
	}
	return raw
}

// badURL says why a URL cannot be shown to users, "" if it can. It ends up in
// href and src, where javascript: would run and data: would pretend.
func badURL(s string) string {
	if plainURL(s) {
		return ""
	}
	return badOddURL(s)
}

func oddInURL(r rune) bool { return r <= ' ' || r == 0x7f || unicode.IsControl(r) || r == '\\' }

// badOddURL is badURL for what is not plain.
func badOddURL(s string) string {
	const want = "must be an http or https URL, or a path that starts with one slash"
	if strings.HasPrefix(s, "data:image/") && utf8.ValidString(s) && !strings.ContainsFunc(s, oddInURL) {
		return "" // copied, never shown
	}
	switch {
	case s == "" || !utf8.ValidString(s):
		return want
	case len(s) > aigen.MaxAssetURL:
		return fmt.Sprintf("may have at most %d bytes", aigen.MaxAssetURL)
	case strings.ContainsFunc(s, oddInURL):
		return "must not hold blanks, backslashes or control characters"
	}
	u, err := url.Parse(s)
	if err != nil {
		return want
	}
	web := (u.Scheme == "http" || u.Scheme == "https") && u.Hostname() != ""
	path := u.Scheme == "" && strings.HasPrefix(s, "/") && !strings.HasPrefix(s, "//")
	if !web && !path {
		return want
	}
	return ""
}

// plainURL reports whether s is a URL that nothing needs to be asked of: a name of a
// host and a path of plain characters. false says nothing.
func plainURL(s string) bool {
	rest, ok := strings.CutPrefix(s, "https://")
	if !ok || rest == "" || rest[0] == '/' || len(s) > aigen.MaxAssetURL {
		return false
	}
	for i := range len(rest) {
		switch c := rest[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '.', c == '-', c == '_', c == '/':
		default:
			return false
		}
	}
	return true
}
