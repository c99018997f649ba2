package worker

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/jpeg"
	"image/png"
	"io"

	"golang.org/x/image/draw"
	"golang.org/x/image/webp"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/worker/art"
)

// maxPictureSide bounds a picture that a server sends, in pixels: a few kilobytes can
// claim to be gigabytes once unpacked.
const maxPictureSide = 8192

// errPicture is returned for bytes that are not a picture which this can use.
var errPicture = errors.New("not a usable picture")

// pictureFormat is a format that answers may have. They are told apart here and not by
// package image's registry, which takes whatever some import has put there.
type pictureFormat struct {
	name   string
	size   func(io.Reader) (image.Config, error)
	decode func(io.Reader) (image.Image, error)
}

func formatOf(data []byte) (pictureFormat, error) {
	switch {
	case bytes.HasPrefix(data, []byte("\x89PNG\r\n\x1a\n")):
		return pictureFormat{"png", png.DecodeConfig, png.Decode}, nil
	case bytes.HasPrefix(data, []byte("\xff\xd8\xff")):
		return pictureFormat{"jpeg", jpeg.DecodeConfig, jpeg.Decode}, nil
	case len(data) > 12 && string(data[:4]) == "RIFF" && string(data[8:12]) == "WEBP":
		return pictureFormat{"webp", webp.DecodeConfig, webp.Decode}, nil
	}
	return pictureFormat{}, fmt.Errorf("%w: neither PNG nor JPEG nor WebP", errPicture)
}

// isPicture reports whether data begins as a picture that can be used.
func isPicture(data []byte) bool {
	_, err := formatOf(data)
	return err == nil
}

// checkPicture looks at format and size without unpacking anything.
func checkPicture(data []byte) (pictureFormat, error) {
	f, err := formatOf(data)
	if err != nil {
		return f, err
	}
	if f.name == "webp" {
		data = still(data)
	}
	c, err := f.size(bytes.NewReader(data))
	if err != nil {
		return f, fmt.Errorf("%w: %s: %w", errPicture, f.name, err)
	}
	if min(c.Width, c.Height) < 1 || max(c.Width, c.Height) > maxPictureSide {
		return f, fmt.Errorf("%w: %d × %d pixels, a side may have 1 to %d", errPicture, c.Width, c.Height, maxPictureSide)
	}
	return f, nil
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
	err = p.assets.put(name, func(w io.Writer) error { return art.Encode(w, upright(fit(src, turned(res, turn)), turn)) })
	if err != nil {
		return aigen.Asset{}, err
	}
	return aigen.Asset{AssetID: id, URL: p.assets.url(name), Width: res.Width, Height: res.Height, Format: "png"}, nil
}

// unpack decodes a picture and says how it wants to be turned.
func unpack(data []byte) (image.Image, int, error) {
	f, err := checkPicture(data)
	if err != nil {
		return nil, 0, err
	}
	turn := 1
	switch f.name {
	case "jpeg":
		turn = orientation(data)
	case "webp":
		data = still(data)
	}
	src, err := f.decode(bytes.NewReader(data))
	if err != nil {
		return nil, 0, fmt.Errorf("%w: %s: %w", errPicture, f.name, err)
	}
	return src, turn, nil
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
