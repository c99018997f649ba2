package worker

import (
	"context"
	"fmt"
	"image"
	"io"

	"golang.org/x/image/draw"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/picture"
	"github.com/creativeflow/aigen/internal/worker/art"
)

// maxPictureSide bounds a picture that a server sends, in pixels: a few kilobytes can
// claim to be gigabytes once unpacked.
const maxPictureSide = 8192

// isPicture reports whether data begins as a picture that can be used.
func isPicture(data []byte) bool {
	_, err := picture.Sniff(data)
	return err == nil
}

// checkPicture looks at format and size without unpacking anything.
func checkPicture(data []byte) (picture.Info, error) {
	info, err := picture.Inspect(data)
	if err == nil && max(info.Width, info.Height) > maxPictureSide {
		err = fmt.Errorf("%w: %d × %d pixels, a side may have 1 to %d", picture.ErrUnusable, info.Width, info.Height, maxPictureSide)
	}
	return info, err
}

// render makes the asset: the original cropped to the shape of res, and scaled to it.
func (p *ImageAPI) render(ctx context.Context, id string, data []byte, res aigen.Resolution) (aigen.Asset, error) {
	select {
	case p.pixels <- struct{}{}:
		defer func() { <-p.pixels }()
	case <-ctx.Done():
		return aigen.Asset{}, ctx.Err()
	}
	src, turn, err := unpack(data)
	if err != nil {
		return aigen.Asset{}, err
	}
	name := id + ".png"
	err = p.assets.put(name, func(w io.Writer) error { return art.Encode(w, picture.Upright(fit(src, turned(res, turn)), turn)) })
	if err != nil {
		return aigen.Asset{}, err
	}
	return aigen.Asset{AssetID: id, URL: p.assets.url(name), Width: res.Width, Height: res.Height, Format: "png"}, nil
}

// unpack decodes a picture and says how it wants to be turned.
func unpack(data []byte) (image.Image, int, error) {
	info, err := checkPicture(data)
	if err != nil {
		return nil, 0, err
	}
	src, err := picture.Decode(data)
	return src, info.Orientation, err
}

// turned is what fit has to make, so that turning it gives res.
func turned(res aigen.Resolution, orientation int) aigen.Resolution {
	if picture.OnItsSide(orientation) {
		res.Width, res.Height = res.Height, res.Width
	}
	return res
}

// fit crops src to the shape of res, keeping its middle, and scales that to res.
func fit(src image.Image, res aigen.Resolution) *image.RGBA {
	dst := image.NewRGBA(image.Rect(0, 0, res.Width, res.Height))
	draw.CatmullRom.Scale(dst, dst.Bounds(), src, middle(src.Bounds(), res), draw.Src, nil)
	return dst
}

// middle is the largest rectangle with the shape of res in the middle of b. It never
// is empty: a side has at least one pixel.
func middle(b image.Rectangle, res aigen.Resolution) image.Rectangle {
	w, h := b.Dx(), b.Dy()
	if w*res.Height > h*res.Width {
		w = max(1, (h*res.Width+res.Height/2)/res.Height)
	} else {
		h = max(1, (w*res.Height+res.Width/2)/res.Width)
	}
	x, y := b.Min.X+(b.Dx()-w)/2, b.Min.Y+(b.Dy()-h)/2
	return image.Rect(x, y, x+w, y+h)
}
