package worker

import (
	"context"
	"image"
	"image/png"
	"io"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/app"
)

// Stub paints nothing: all its assets show one grey square. It is for load tests,
// where pictures would be all that is measured, and says so in aiModelUsed.
type Stub struct{ assets *Assets }

const (
	stubSide = 64
	stubName = "stub.png"
)

// NewStub writes the one picture.
func NewStub(assets *Assets) (*Stub, error) {
	err := assets.put(stubName, func(w io.Writer) error {
		grey := image.NewGray(image.Rect(0, 0, stubSide, stubSide))
		for i := range grey.Pix {
			grey.Pix[i] = 0x80
		}
		return png.Encode(w, grey)
	})
	return &Stub{assets: assets}, err
}

// Model implements Painter.
func (*Stub) Model() string { return "embedded/stub" }

// Parallel implements Painter.
func (*Stub) Parallel() int { return 1 }

// Sample implements Painter.
func (s *Stub) Sample(_ context.Context, j app.Job, i int) (aigen.Asset, error) {
	return s.asset(s.assets.id(j, "sample", i)), nil
}

// Final implements Painter.
func (s *Stub) Final(_ context.Context, j app.Job) (aigen.Asset, error) {
	return s.asset(s.assets.id(j, "final", 0)), nil
}

func (s *Stub) asset(id string) aigen.Asset {
	return aigen.Asset{AssetID: id, URL: s.assets.url(stubName), Width: stubSide, Height: stubSide, Format: "png"}
}
