package worker_test

import (
	"bytes"
	"encoding/binary"
	"image"
)

// heldAs is what a camera that was held this way writes of a picture: shown as the
// orientation says, it is the picture again.
func heldAs(img *image.RGBA, orientation int) *image.RGBA {
	w, h := img.Bounds().Dx(), img.Bounds().Dy()
	stored := image.NewRGBA(image.Rect(0, 0, w, h))
	if orientation >= 5 {
		stored = image.NewRGBA(image.Rect(0, 0, h, w))
	}
	for y := range h {
		for x := range w {
			// The 0th row of what is stored is this side of the picture, the 0th column that
			// one (TIFF 6.0, Orientation).
			var row, column int
			switch orientation {
			case 1: // top, left
				row, column = y, x
			case 2: // top, right
				row, column = y, w-1-x
			case 3: // bottom, right
				row, column = h-1-y, w-1-x
			case 4: // bottom, left
				row, column = h-1-y, x
			case 5: // left, top
				row, column = x, y
			case 6: // right, top
				row, column = w-1-x, y
			case 7: // right, bottom
				row, column = w-1-x, h-1-y
			case 8: // left, bottom
				row, column = x, h-1-y
			}
			stored.Set(column, row, img.At(x, y))
		}
	}
	return stored
}

// withOrientation puts Exif data into a JPEG.
func withOrientation(jpeg []byte, orientation int, order string) []byte {
	var o binary.AppendByteOrder = binary.LittleEndian
	if order == "MM" {
		o = binary.BigEndian
	}
	tiff := o.AppendUint32(o.AppendUint16([]byte(order), 42), 8)
	tiff = o.AppendUint16(tiff, 1)                                            // one entry
	tiff = o.AppendUint32(o.AppendUint16(o.AppendUint16(tiff, 0x0112), 3), 1) // a short
	tiff = append(o.AppendUint16(tiff, uint16(orientation)), 0, 0)
	tiff = o.AppendUint32(tiff, 0)
	segment := append([]byte("Exif\x00\x00"), tiff...)
	app1 := binary.BigEndian.AppendUint16([]byte{0xff, 0xe1}, uint16(len(segment)+2))
	return bytes.Join([][]byte{jpeg[:2], app1, segment, jpeg[2:]}, nil)
}
