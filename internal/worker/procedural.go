package worker

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strconv"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/app"
	"github.com/creativeflow/aigen/internal/worker/art"
)

// sampleSide is the longer side of a sample, in pixels.
const sampleSide = 512

// Procedural paints with package art: real pictures without any model, and honest
// about it.
type Procedural struct{ assets *Assets }

// NewProcedural paints into assets.
func NewProcedural(assets *Assets) *Procedural { return &Procedural{assets: assets} }

// Model implements Painter.
func (*Procedural) Model() string { return "embedded/procedural" }

// metadata is what the painter must know again when the sample is chosen.
type metadata struct {
	Seed string `json:"seed"` // decimal; a string, since JSON numbers lose digits beyond 2^53
}

// Parallel implements Painter: one picture keeps all cores busy.
func (*Procedural) Parallel() int { return 1 }

// Forget removes the files of a job that will never be reported.
func (p *Procedural) Forget(j app.Job) { p.assets.forget(j) }

// Sample implements Painter.
func (p *Procedural) Sample(ctx context.Context, j app.Job, i int) (aigen.Asset, error) {
	seed := art.Seed(j.InputPrompt, j.StyleGuidance, j.RunID.String(), strconv.Itoa(i))
	return p.paint(ctx, j, "sample", i, sampleSize(j), seed)
}

// Final implements Painter: the chosen sample's seed at the asked size is the same
// picture in high resolution.
func (p *Procedural) Final(ctx context.Context, j app.Job) (aigen.Asset, error) {
	res, err := aigen.ParseResolution(j.Resolution)
	if err != nil {
		return aigen.Asset{}, badResolution(err)
	}
	if j.SelectedSample == nil { // no samples were asked for
		return p.paint(ctx, j, "final", 0, res, art.Seed(j.InputPrompt, j.StyleGuidance, j.RunID.String(), "final"))
	}
	var m metadata
	if err := json.Unmarshal(j.SelectedSample.Metadata, &m); err != nil {
		return aigen.Asset{}, notOurs(err)
	}
	seed, err := strconv.ParseUint(m.Seed, 10, 64)
	if err != nil {
		return aigen.Asset{}, notOurs(err)
	}
	return p.paint(ctx, j, "final", 0, res, seed)
}

func badResolution(err error) error {
	return &PaintError{Code: aigen.CodeGenerationFailed, Message: "The asked resolution cannot be made.", Err: err}
}

func notOurs(err error) error {
	return &PaintError{
		Code: aigen.CodeGenerationFailed, Err: err,
		Message: "The chosen sample was made by another engine and cannot be finished by this one.",
	}
}

func (p *Procedural) paint(
	ctx context.Context, j app.Job, kind string, i int, res aigen.Resolution, seed uint64,
) (aigen.Asset, error) {
	picture, err := art.Render(ctx, art.Spec{
		Prompt: j.InputPrompt, Style: j.StyleGuidance, Format: string(j.InputParameters.Format),
		Width: res.Width, Height: res.Height, Seed: seed, Caption: true,
	})
	if err != nil {
		return aigen.Asset{}, fmt.Errorf("render: %w", err)
	}
	id := p.assets.id(j, kind, i)
	if err := p.assets.put(id+".png", func(w io.Writer) error { return art.Encode(w, picture) }); err != nil {
		return aigen.Asset{}, err
	}
	m, err := json.Marshal(metadata{Seed: strconv.FormatUint(seed, 10)})
	if err != nil {
		return aigen.Asset{}, err
	}
	return aigen.Asset{
		AssetID: id, URL: p.assets.url(id + ".png"), Width: res.Width, Height: res.Height, Format: "png", Metadata: m,
	}, nil
}

// sampleSize has the shape of the final and sampleSide on its longer side, as far as
// package art can go.
func sampleSize(j app.Job) aigen.Resolution {
	r := previewSize(j.InputParameters.FinalResolution())
	return aigen.Resolution{Width: max(aigen.MinSide, r.Width), Height: max(aigen.MinSide, r.Height)}
}

// previewSize has the shape of r and sampleSide on its longer side.
func previewSize(r aigen.Resolution) aigen.Resolution {
	longer := max(r.Width, r.Height)
	return aigen.Resolution{Width: max(1, r.Width*sampleSide/longer), Height: max(1, r.Height*sampleSide/longer)}
}
