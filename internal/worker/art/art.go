// Package art paints the pictures of the embedded engine: posters made of noise,
// gradients and shapes, derived from the words of a prompt. It needs no model and no
// network, so that a whole generation works on a laptop and in a test, and a picture
// depends on nothing but its [Spec].
//
// A picture is a function of a point: everything is placed in units of the shorter
// side, never in pixels. That is what lets a user pick a 512-pixel sample and get the
// very same composition in 4096 pixels.
package art

import (
	"context"
	"errors"
	"fmt"
	"image"
)

// The bounds of a picture's width and of its height, in pixels.
const (
	MinSide = 64
	MaxSide = 4096
)

// ErrSize is returned, wrapped with the offending side and the bounds, when a width or
// a height lies outside MinSide..MaxSide.
var ErrSize = errors.New("picture size out of bounds")

// Spec says everything a picture depends on. Two equal specs give the same bytes.
type Spec struct {
	Prompt string // any text, also empty; its words choose scene and colours
	Style  string // any text, also empty; words such as "watercolour" or "neon" choose the technique
	Format string // the target medium, such as "InstagramStory"; sets the layout of the caption
	Width  int    // pixels, MinSide..MaxSide
	Height int    // pixels, MinSide..MaxSide
	Seed   uint64 // tells the samples of one prompt apart; any value
	// Caption sets the prompt into the picture, where the picture is large enough for it.
	Caption bool
}

// Render paints the picture. It uses as many goroutines as GOMAXPROCS allows, and about
// one to two megabytes beside the pixels themselves (4 bytes each).
//
// It returns an error that wraps [ErrSize] when a side is out of bounds, and one that
// wraps the cause of ctx when ctx ends first; it looks at ctx before each row.
func Render(ctx context.Context, s Spec) (*image.RGBA, error) {
	if err := s.check(); err != nil {
		return nil, err
	}
	if err := context.Cause(ctx); err != nil {
		return nil, fmt.Errorf("render picture: %w", err)
	}
	w, err := compose(ctx, s)
	if err != nil {
		return nil, fmt.Errorf("compose picture: %w", err)
	}
	img := image.NewRGBA(image.Rect(0, 0, s.Width, s.Height))
	if err := w.paint(ctx, img); err != nil {
		return nil, fmt.Errorf("render picture: %w", err)
	}
	if s.Caption {
		if err := drawCaption(img, s, w); err != nil {
			return nil, fmt.Errorf("set caption: %w", err)
		}
	}
	return img, nil
}

// check names the side that is out of bounds, and the bounds.
func (s Spec) check() error {
	for _, side := range []struct {
		name string
		px   int
	}{{"width", s.Width}, {"height", s.Height}} {
		if side.px < MinSide || side.px > MaxSide {
			return fmt.Errorf("%w: %s %d is not within %d–%d pixels", ErrSize, side.name, side.px, MinSide, MaxSide)
		}
	}
	return nil
}
