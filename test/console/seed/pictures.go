package main

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
)

// pictures is how many there are: a final, and the samples of a generation.
const pictures = 5

// pictureURL is where picture number i is served. The name has the form of an asset's.
func pictureURL(i int) string { return "/assets/" + pictureName(i) }

func pictureName(i int) string { return fmt.Sprintf("00000000-0000-8000-8000-%012d.png", i) }

// paint writes the pictures that all generations share: each a plain gradient.
func paint(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	for i := range pictures {
		const side = 128
		m := image.NewNRGBA(image.Rect(0, 0, side, side))
		for y := range side {
			for x := range side {
				m.SetNRGBA(x, y, color.NRGBA{R: uint8(2 * x), G: uint8(40 * i), B: uint8(2 * y), A: 255}) //nolint:gosec // G115: 0 to 254
			}
		}
		var b bytes.Buffer
		if err := png.Encode(&b, m); err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, pictureName(i)), b.Bytes(), 0o600); err != nil {
			return err
		}
	}
	return nil
}
