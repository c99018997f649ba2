package picture

import (
	"bytes"
	"fmt"
	"image"
	"image/jpeg"
	"image/png"

	"github.com/gen2brain/webp"
	"golang.org/x/image/draw"
)

// Within scales img so that its longer side has at most side pixels, and turns it upright.
// A smaller picture keeps its size.
func Within(img image.Image, orientation, side int) *image.RGBA {
	w, h := img.Bounds().Dx(), img.Bounds().Dy()
	if longer := max(w, h); longer > side {
		w, h = max(1, w*side/longer), max(1, h*side/longer)
	}
	dst := image.NewRGBA(image.Rect(0, 0, w, h))
	draw.CatmullRom.Scale(dst, dst.Bounds(), img, img.Bounds(), draw.Src, nil)
	return Upright(dst, orientation)
}

// Quality of derived pictures, 1 to 100: no difference is seen at the sizes they have.
const (
	jpegQuality = 85
	webpQuality = 80
)

// webpMethod trades speed for size, 0 (fast) to 6.
const webpMethod = 2

// Encode writes img in a format.
func Encode(img image.Image, f Format) ([]byte, error) {
	var b bytes.Buffer
	var err error
	switch f {
	case PNG:
		err = (&png.Encoder{CompressionLevel: png.BestSpeed}).Encode(&b, img)
	case JPEG:
		err = jpeg.Encode(&b, img, &jpeg.Options{Quality: jpegQuality})
	case WebP:
		err = webp.Encode(&b, img, webp.Options{Quality: webpQuality, Method: webpMethod})
	default:
		return nil, fmt.Errorf("encode picture: no format %q", f)
	}
	if err != nil {
		return nil, fmt.Errorf("encode %s: %w", f, err)
	}
	return b.Bytes(), nil
}
