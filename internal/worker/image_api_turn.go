package worker

import (
	"bytes"
	"encoding/binary"
	"image"

	"github.com/creativeflow/aigen"
)

// orientation is how a JPEG wants to be shown, by its Exif data: 1 (as it is) to 8, as
// TIFF 6.0 numbers them. What cannot be read is 1.
func orientation(data []byte) int {
	const (
		marker, app1, startOfScan = 0xff, 0xe1, 0xda
	)
	for at := 2; at+4 <= len(data) && data[at] == marker; {
		kind, size := data[at+1], int(binary.BigEndian.Uint16(data[at+2:]))
		if kind == startOfScan || size < 2 || at+2+size > len(data) {
			return 1
		}
		segment := data[at+4 : at+2+size]
		if tiff, ok := bytes.CutPrefix(segment, []byte("Exif\x00\x00")); ok && kind == app1 {
			return tiffOrientation(tiff)
		}
		at += 2 + size
	}
	return 1
}

func tiffOrientation(tiff []byte) int {
	const tag, entry, header = 0x0112, 12, 8
	if len(tiff) < header {
		return 1
	}
	var order binary.ByteOrder = binary.LittleEndian
	if tiff[0] == 'M' {
		order = binary.BigEndian
	}
	at := int64(order.Uint32(tiff[4:]))
	if at+2 > int64(len(tiff)) {
		return 1
	}
	count := int(order.Uint16(tiff[at:]))
	for i := range count {
		e := at + 2 + int64(i)*entry
		if e+entry > int64(len(tiff)) {
			return 1
		}
		if order.Uint16(tiff[e:]) == tag {
			if o := int(order.Uint16(tiff[e+8:])); o >= 1 && o <= 8 {
				return o
			}
			return 1
		}
	}
	return 1
}

// onItsSide reports whether width and height change places.
func onItsSide(orientation int) bool { return orientation >= 5 }

// turned is what fit has to make, so that turning it gives res.
func turned(res aigen.Resolution, orientation int) aigen.Resolution {
	if onItsSide(orientation) {
		res.Width, res.Height = res.Height, res.Width
	}
	return res
}

// upright turns and mirrors src as its orientation says.
func upright(src *image.RGBA, orientation int) *image.RGBA {
	if orientation == 1 {
		return src
	}
	w, h := src.Bounds().Dx(), src.Bounds().Dy()
	dst := image.NewRGBA(image.Rect(0, 0, w, h))
	if onItsSide(orientation) {
		dst = image.NewRGBA(image.Rect(0, 0, h, w))
	}
	for y := range h {
		for x := range w {
			toX, toY := x, y
			switch orientation {
			case 2:
				toX = w - 1 - x
			case 3:
				toX, toY = w-1-x, h-1-y
			case 4:
				toY = h - 1 - y
			case 5:
				toX, toY = y, x
			case 6:
				toX, toY = h-1-y, x
			case 7:
				toX, toY = h-1-y, w-1-x
			case 8:
				toX, toY = y, w-1-x
			}
			copy(dst.Pix[dst.PixOffset(toX, toY):][:4], src.Pix[src.PixOffset(x, y):][:4])
		}
	}
	return dst
}

// still is the first picture of an animated WebP, and data itself if it is none. The
// decoder knows pictures that stand still alone.
func still(data []byte) []byte {
	const header, frameHeader, animated = 12, 16, 0x02
	first := true
	for kind, chunk := range chunks(data[min(header, len(data)):]) {
		if first && (kind != "VP8X" || len(chunk) == 0 || chunk[0]&animated == 0) {
			return data
		}
		first = false
		if kind != "ANMF" || len(chunk) < frameHeader {
			continue
		}
		for kind, picture := range chunks(chunk[frameHeader:]) {
			if kind == "VP8 " || kind == "VP8L" {
				return simpleWebP(kind, picture)
			}
		}
	}
	return data
}

// chunks goes through the chunks of a RIFF file, the whole ones.
func chunks(data []byte) func(yield func(kind string, chunk []byte) bool) {
	return func(yield func(string, []byte) bool) {
		for len(data) >= 8 {
			kind, size := string(data[:4]), int64(binary.LittleEndian.Uint32(data[4:]))
			if size > int64(len(data)-8) || !yield(kind, data[8:8+size]) {
				return
			}
			data = data[min(8+size+size%2, int64(len(data))):]
		}
	}
}

func simpleWebP(kind string, picture []byte) []byte {
	size := uint32(len(picture)) //nolint:gosec // a part of an answer, which is bounded
	out := binary.LittleEndian.AppendUint32([]byte("RIFF"), 4+8+size+size%2)
	out = append(out, "WEBP"+kind...)
	out = binary.LittleEndian.AppendUint32(out, size)
	out = append(out, picture...)
	return append(out, make([]byte, size%2)...)
}
