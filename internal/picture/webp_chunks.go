package picture

import "encoding/binary"

// Still is the first picture of an animated WebP, and data itself if it is none. The
// decoder knows pictures that stand still alone.
func Still(data []byte) []byte {
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
