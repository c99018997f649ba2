// Package picture reads pictures from outside: what they are, how large, and whether they
// are whole. It scales them, and writes into them that AI made them.
//
// Nothing here trusts a name, a Content-Type or a declared size. The bytes decide.
package picture

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/jpeg"
	"image/png"
	"io"

	"golang.org/x/image/webp"
)

// ErrUnusable is what errors for bytes that are no usable picture are (errors.Is). Their
// text may be shown to whoever sent the bytes.
var ErrUnusable = errors.New("not a usable picture")

// ErrFormat is an ErrUnusable: the bytes are none of the formats.
var ErrFormat = fmt.Errorf("%w: neither PNG nor JPEG nor WebP", ErrUnusable)

// Format is the format of a picture.
type Format string

// The formats.
const (
	PNG  Format = "png"
	JPEG Format = "jpeg"
	WebP Format = "webp"
)

// MediaType is the Content-Type of the format.
func (f Format) MediaType() string { return "image/" + string(f) }

// codecs are told apart here and not by package image's registry, which takes whatever
// some import has put there.
var codecs = map[Format]struct {
	size   func(io.Reader) (image.Config, error)
	decode func(io.Reader) (image.Image, error)
}{
	PNG:  {png.DecodeConfig, png.Decode},
	JPEG: {jpeg.DecodeConfig, jpeg.Decode},
	WebP: {webp.DecodeConfig, webp.Decode},
}

// Sniff tells the format by the first bytes of data. The error is ErrFormat.
func Sniff(data []byte) (Format, error) {
	switch {
	case bytes.HasPrefix(data, []byte("\x89PNG\r\n\x1a\n")):
		return PNG, nil
	case bytes.HasPrefix(data, []byte("\xff\xd8\xff")):
		return JPEG, nil
	case len(data) > 12 && string(data[:4]) == "RIFF" && string(data[8:12]) == "WEBP":
		return WebP, nil
	}
	return "", ErrFormat
}

// Info is what the header of a picture says.
type Info struct {
	Format        Format
	Width, Height int // pixels, as shown: after the orientation is applied
	Orientation   int // 1 to 8 (TIFF 6.0); 1 needs no turning
}

// Pixels is how many pixels the picture has once decoded. Each takes up to 8 bytes.
func (i Info) Pixels() int64 { return int64(i.Width) * int64(i.Height) }

// Inspect reads format and size without decoding any pixel. An animated WebP has the size
// of its first frame. The error is an ErrUnusable.
func Inspect(data []byte) (Info, error) {
	f, err := Sniff(data)
	if err != nil {
		return Info{}, err
	}
	if f == WebP {
		data = Still(data)
	}
	c, err := codecs[f].size(bytes.NewReader(data))
	if err != nil {
		return Info{}, fmt.Errorf("%w: %s: %w", ErrUnusable, f, err)
	}
	info := Info{Format: f, Width: c.Width, Height: c.Height, Orientation: 1}
	if min(c.Width, c.Height) < 1 {
		return Info{}, fmt.Errorf("%w: %d × %d pixels", ErrUnusable, c.Width, c.Height)
	}
	if f == JPEG {
		info.Orientation = Orientation(data)
	}
	if OnItsSide(info.Orientation) {
		info.Width, info.Height = info.Height, info.Width
	}
	return info, nil
}

// Decode decodes the whole picture, as it is stored: Upright turns it. Call Inspect first,
// and refuse what is too large: a few kilobytes can claim to be gigabytes.
func Decode(data []byte) (image.Image, error) {
	f, err := Sniff(data)
	if err != nil {
		return nil, err
	}
	if f == WebP {
		data = Still(data)
	}
	img, err := codecs[f].decode(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrUnusable, f, err)
	}
	return img, nil
}
