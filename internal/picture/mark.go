package picture

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"strings"
)

// SourceType says how a picture came about, in the terms of IPTC
// (https://cv.iptc.org/newscodes/digitalsourcetype/).
type SourceType string

// The source types that the service declares (contract section 8).
const (
	TrainedAlgorithmic   SourceType = "trainedAlgorithmicMedia"              // by a model
	CompositeWithTrained SourceType = "compositeWithTrainedAlgorithmicMedia" // an edit of a reference by a model
	Algorithmic          SourceType = "algorithmicMedia"                     // by rules, without training
)

// Mark declares that AI made a picture.
type Mark struct {
	Source     SourceType
	Generation string // the id of the generation
	Model      string // what made the picture; may be ""
}

// Marked returns the picture with m in its XMP metadata, in IPTC's property
// Iptc4xmpExt:DigitalSourceType. XMP that is there is kept, and declares m as well. A
// picture with a C2PA manifest is returned as it is: any change would break the signature.
// The pixels are not touched.
func Marked(data []byte, m Mark) ([]byte, error) {
	f, err := Sniff(data)
	if err != nil {
		return nil, err
	}
	if HasC2PA(data) {
		return data, nil
	}
	switch f {
	case PNG:
		return markPNG(data, m)
	case JPEG:
		return markJPEG(data, m)
	default:
		return markWebP(data, m)
	}
}

// HasC2PA reports whether the picture brings a C2PA manifest (C2PA 2.1, appendix A).
func HasC2PA(data []byte) bool {
	f, err := Sniff(data)
	if err != nil {
		return false
	}
	switch f {
	case PNG:
		for kind := range pngChunks(data) {
			if kind == "caBX" {
				return true
			}
		}
	case JPEG:
		for s := range jpegSegments(data) {
			const app11 = 0xeb
			if s.kind == app11 && bytes.Contains(s.body, []byte("jumb")) && bytes.Contains(s.body, []byte("c2pa")) {
				return true
			}
		}
	case WebP:
		for kind := range chunks(data[min(riffHeader, len(data)):]) {
			if kind == "C2PA" {
				return true
			}
		}
	}
	return false
}

const (
	xmpKeyword = "XML:com.adobe.xmp"                // of the iTXt chunk of a PNG
	xmpSegment = "http://ns.adobe.com/xap/1.0/\x00" // of the APP1 segment of a JPEG
	riffHeader = 12
)

// description is the part of an XMP packet that declares m.
func (m Mark) description() string {
	var b strings.Builder
	b.WriteString(`<rdf:Description rdf:about="" xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/"` +
		` xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:xmp="http://ns.adobe.com/xap/1.0/"`)
	fmt.Fprintf(&b, ` Iptc4xmpExt:DigitalSourceType="http://cv.iptc.org/newscodes/digitalsourcetype/%s"`, m.Source)
	if m.Generation != "" {
		fmt.Fprintf(&b, ` dc:identifier="urn:uuid:%s"`, attribute(m.Generation))
	}
	if m.Model != "" {
		fmt.Fprintf(&b, ` Iptc4xmpExt:AISystemUsed="%s"`, attribute(m.Model))
	}
	b.WriteString(` xmp:CreatorTool="aigen"/>`)
	return b.String()
}

// attribute escapes a text for an XML attribute and drops what XML cannot hold.
func attribute(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0xfffe || r == 0xffff {
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, ""))
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;").Replace(s)
}

// packet is an XMP packet that declares m: before with the declaration added where that is
// a packet, else a new one.
func (m Mark) packet(before []byte) []byte {
	const end = "</rdf:RDF>"
	if i := bytes.LastIndex(before, []byte(end)); i >= 0 {
		before = withoutSourceType(before)
		i = bytes.LastIndex(before, []byte(end))
		out := append([]byte(nil), before[:i]...)
		return append(append(out, m.description()...), before[i:]...)
	}
	return []byte("<?xpacket begin=\"\ufeff\" id=\"W5M0MpCehiHzreSzNTczkc9d\"?>" +
		`<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">` +
		m.description() + end + `</x:xmpmeta><?xpacket end="w"?>`)
}

// withoutSourceType removes an attribute DigitalSourceType that a packet has already: a
// property may stand in it once.
func withoutSourceType(packet []byte) []byte {
	const name = "Iptc4xmpExt:DigitalSourceType="
	for {
		i := bytes.Index(packet, []byte(name))
		if i < 0 || i+len(name) >= len(packet) {
			return packet
		}
		quote := packet[i+len(name)]
		n := bytes.IndexByte(packet[i+len(name)+1:], quote)
		if (quote != '"' && quote != '\'') || n < 0 {
			return packet
		}
		packet = append(append([]byte(nil), packet[:i]...), packet[i+len(name)+1+n+1:]...)
	}
}

// markPNG writes an iTXt chunk after the header (PNG 3.0, section 11.3.3; XMP part 3).
func markPNG(data []byte, m Mark) ([]byte, error) {
	const signature = 8
	out := append(make([]byte, 0, len(data)+1024), data[:signature]...)
	var before []byte
	body := make([]byte, 0, len(data))
	var header []byte
	ended := false
	for kind, chunk := range pngChunks(data) {
		switch {
		case kind == "IHDR" && header == nil:
			header = chunk
		case kind == "iTXt" && bytes.HasPrefix(chunk[8:], []byte(xmpKeyword+"\x00")):
			before = itxtText(chunk[8 : len(chunk)-4])
		default:
			body = append(body, chunk...)
			ended = kind == "IEND"
		}
	}
	if header == nil || !ended {
		return nil, fmt.Errorf("%w: png: a chunk is missing", ErrUnusable)
	}
	text := append([]byte(xmpKeyword), 0, 0, 0, 0, 0) // not compressed, no language, no translated keyword
	text = append(text, m.packet(before)...)
	out = append(out, header...)
	out = appendPNGChunk(out, "iTXt", text)
	return append(out, body...), nil
}

func appendPNGChunk(b []byte, kind string, body []byte) []byte {
	b = binary.BigEndian.AppendUint32(b, uint32(len(body))) //nolint:gosec // G115: a packet of some kilobytes
	at := len(b)
	b = append(append(b, kind...), body...)
	return binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b[at:]))
}

// itxtText is the text of an iTXt chunk that is not compressed, else nil.
func itxtText(chunk []byte) []byte {
	rest := chunk[len(xmpKeyword)+1:]
	if len(rest) < 2 || rest[0] != 0 {
		return nil
	}
	parts := bytes.SplitN(rest[2:], []byte{0}, 3) // language, translated keyword, text
	if len(parts) < 3 {
		return nil
	}
	return parts[2]
}

// pngChunks yields the kind of each chunk up to IEND, and the whole of it: length, kind,
// body, checksum. What follows IEND is not part of the picture.
func pngChunks(data []byte) func(yield func(kind string, chunk []byte) bool) {
	return func(yield func(string, []byte) bool) {
		for at := int64(8); at+12 <= int64(len(data)); {
			end := at + 12 + int64(binary.BigEndian.Uint32(data[at:]))
			if end > int64(len(data)) {
				return
			}
			kind := string(data[at+4 : at+8])
			if !yield(kind, data[at:end]) || kind == "IEND" {
				return
			}
			at = end
		}
	}
}

// jpegSegment is a marker segment before the first scan; whole includes the marker.
type jpegSegment struct {
	kind  byte
	body  []byte
	whole []byte
}

func jpegSegments(data []byte) func(yield func(jpegSegment) bool) {
	return func(yield func(jpegSegment) bool) {
		const marker, startOfScan = 0xff, 0xda
		for at := 2; at+4 <= len(data) && data[at] == marker; {
			if data[at+1] == marker { // a fill byte
				at++
				continue
			}
			size := int(binary.BigEndian.Uint16(data[at+2:]))
			if data[at+1] == startOfScan || size < 2 || at+2+size > len(data) {
				return
			}
			if !yield(jpegSegment{data[at+1], data[at+4 : at+2+size], data[at : at+2+size]}) {
				return
			}
			at += 2 + size
		}
	}
}

// markJPEG writes an APP1 segment behind JFIF and Exif, which readers expect first.
func markJPEG(data []byte, m Mark) ([]byte, error) {
	const soi, app0, app1, maxSegment = 2, 0xe0, 0xe1, 0xffff - 2
	var before []byte
	at, skip := soi, []byte(nil)
	end := soi
	leading := true
	for s := range jpegSegments(data) {
		end += len(s.whole)
		packet, isXMP := bytes.CutPrefix(s.body, []byte(xmpSegment))
		switch {
		case s.kind == app1 && isXMP && skip == nil:
			before, skip = packet, s.whole
		case leading && (s.kind == app0 || s.kind == app1):
			at = end
		default:
			leading = false
		}
	}
	packet := append([]byte(xmpSegment), m.packet(before)...)
	if len(packet) > maxSegment {
		packet = append([]byte(xmpSegment), m.packet(nil)...)
	}
	out := make([]byte, 0, len(data)+len(packet)+4)
	out = append(out, data[:at]...)
	out = append(out, 0xff, app1)
	out = binary.BigEndian.AppendUint16(out, uint16(len(packet)+2)) //nolint:gosec // G115: bounded above
	out = append(out, packet...)
	rest := data[at:]
	if skip != nil {
		// The old segment lies before or behind the place of the new one.
		if i := bytes.Index(out[:at], skip); i >= 0 {
			out = append(out[:i], out[i+len(skip):]...)
		} else if i := bytes.Index(rest, skip); i >= 0 {
			return append(append(out, rest[:i]...), rest[i+len(skip):]...), nil
		}
	}
	return append(out, rest...), nil
}

// Flags of the VP8X chunk (WebP container specification).
const (
	webpXMP   = 0x04
	webpAlpha = 0x10
)

// markWebP writes an XMP chunk at the end, and the VP8X chunk that must announce it.
func markWebP(data []byte, m Mark) ([]byte, error) {
	var before, body, extended []byte
	alpha := false
	for kind, chunk := range chunks(data[riffHeader:]) {
		switch kind {
		case "VP8X":
			extended = append([]byte(nil), chunk...)
		case "XMP ":
			before = chunk
		default:
			alpha = alpha || kind == "ALPH" || kind == "VP8L" && vp8lAlpha(chunk)
			body = appendRIFFChunk(body, kind, chunk)
		}
	}
	if len(extended) < 10 {
		info, err := Inspect(data)
		if err != nil {
			return nil, err
		}
		extended = make([]byte, 10)
		putUint24(extended[4:], info.Width-1)
		putUint24(extended[7:], info.Height-1)
		if alpha {
			extended[0] |= webpAlpha
		}
	}
	extended[0] |= webpXMP
	riff := append([]byte("WEBP"), appendRIFFChunk(nil, "VP8X", extended)...)
	riff = append(riff, body...)
	riff = appendRIFFChunk(riff, "XMP ", m.packet(before))
	out := binary.LittleEndian.AppendUint32([]byte("RIFF"), uint32(len(riff))) //nolint:gosec // G115: the size of the picture is bounded
	return append(out, riff...), nil
}

// vp8lAlpha reports whether the header of a lossless picture says that it uses alpha.
func vp8lAlpha(chunk []byte) bool { return len(chunk) >= 5 && chunk[4]&0x10 != 0 }

func putUint24(b []byte, v int) {
	b[0], b[1], b[2] = byte(v&0xff), byte(v>>8&0xff), byte(v>>16&0xff)
}

func appendRIFFChunk(b []byte, kind string, body []byte) []byte {
	b = append(b, kind...)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(body))) //nolint:gosec // G115: a part of a picture, which is bounded
	b = append(b, body...)
	return append(b, make([]byte, len(body)%2)...)
}
