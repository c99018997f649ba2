package worker_test

import (
	"bytes"
	"context"
	"encoding/json"
	"image"
	"image/png"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/image/draw"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/worker"
)

func (b bundle) picture(t testing.TB, a aigen.Asset) image.Image {
	t.Helper()
	require.Equal(t, base+"/assets/"+a.AssetID+".png", a.URL)
	img, err := png.Decode(bytes.NewReader(b.file(t, a.AssetID+".png")))
	require.NoError(t, err)
	require.Equal(t, image.Pt(a.Width, a.Height), img.Bounds().Size())
	require.Equal(t, "png", a.Format)
	return img
}

// distance is the mean difference of two pictures' colours, 0 to 1, after both were
// scaled to a small size: it is blind to detail that only the larger one can show.
func distance(a, b image.Image) float64 {
	small := func(src image.Image) *image.RGBA {
		dst := image.NewRGBA(image.Rect(0, 0, 32, 32))
		draw.BiLinear.Scale(dst, dst.Bounds(), src, src.Bounds(), draw.Src, nil)
		return dst
	}
	x, y := small(a), small(b)
	sum := 0.0
	for i := range x.Pix {
		sum += max(float64(x.Pix[i])-float64(y.Pix[i]), float64(y.Pix[i])-float64(x.Pix[i]))
	}
	return sum / float64(len(x.Pix)) / 255
}

func TestProceduralSampleSizes(t *testing.T) {
	t.Parallel()
	b := setup(t)
	p := worker.NewProcedural(b.Assets)
	require.Equal(t, "embedded/procedural", p.Model())
	for params, want := range map[string]image.Point{
		`{"format":"InstagramStory"}`: {288, 512}, `{"format":"FacebookPost"}`: {512, 268},
		`{"resolution":"4096x64"}`: {512, 64}, `{"resolution":"64x4096"}`: {64, 512}, // not below what art can paint
		`{"format":"TikTok","resolution":"400x80"}`: {512, 102}, // the resolution goes before the format
	} {
		a, err := p.Sample(t.Context(), sampleJob(t, params), 0)
		require.NoError(t, err, params)
		require.Equal(t, want, b.picture(t, a).Bounds().Size(), params)
	}
}

func TestProceduralFinalIsTheChosenSample(t *testing.T) {
	t.Parallel()
	b := setup(t)
	p := worker.NewProcedural(b.Assets)
	j := sampleJob(t, "")
	j.InputPrompt, j.StyleGuidance = "mountains", ""
	pictures, assets := make([]image.Image, 2), make([]aigen.Asset, 2)
	for i := range assets {
		var err error
		assets[i], err = p.Sample(t.Context(), j, i)
		require.NoError(t, err)
		pictures[i] = b.picture(t, assets[i])
	}
	require.NotEqual(t, assets[0].AssetID, assets[1].AssetID)

	chosen := finalJob(t, assets[1], "640x640")
	chosen.InputPrompt, chosen.StyleGuidance = j.InputPrompt, j.StyleGuidance
	final, err := p.Final(t.Context(), chosen)
	require.NoError(t, err)
	img := b.picture(t, final)
	require.Equal(t, image.Pt(640, 640), img.Bounds().Size())
	same := distance(img, pictures[1])
	require.Less(t, same, 0.03, "the final is the chosen sample")
	require.Greater(t, distance(img, pictures[0]), 2*same, "and not another one")
}

func TestProceduralDoesAJobAgainAlike(t *testing.T) {
	t.Parallel()
	b := setup(t)
	p := worker.NewProcedural(b.Assets)
	first, err := p.Sample(t.Context(), sampleJob(t, ""), 0)
	require.NoError(t, err)
	before := b.file(t, first.AssetID+".png")
	again, err := p.Sample(t.Context(), sampleJob(t, ""), 0)
	require.NoError(t, err)
	require.Equal(t, first, again)
	require.Equal(t, before, b.file(t, first.AssetID+".png"))
	require.Len(t, b.names(t), 1, "and leaves nothing else")
}

func TestProceduralRefuses(t *testing.T) {
	t.Parallel()
	p := worker.NewProcedural(setup(t).Assets)
	ours := aigen.Asset{Metadata: json.RawMessage(`{"seed":"1"}`)}
	for name, tc := range map[string]struct {
		sample     aigen.Asset
		resolution string
	}{
		"a sample of another engine": {aigen.Asset{AssetID: "x"}, "64x64"},
		"a seed that is none":        {aigen.Asset{Metadata: json.RawMessage(`{"seed":"-1"}`)}, "64x64"},
		"no resolution":              {ours, ""},
		"too large":                  {ours, "9999x64"},
	} {
		_, err := p.Final(t.Context(), finalJob(t, tc.sample, tc.resolution))
		var e *worker.PaintError
		require.ErrorAs(t, err, &e, name)
		require.False(t, e.Retryable, name)
		require.NotEmpty(t, e.Message, name)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := p.Sample(ended, sampleJob(t, ""), 0)
	require.ErrorIs(t, err, context.Canceled)
}
