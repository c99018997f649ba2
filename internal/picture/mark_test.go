package picture_test

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"hash/crc32"
	"image"
	"image/color"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen/internal/picture"
	"github.com/creativeflow/aigen/internal/testenv"
)

func gradient(w, h int) *image.RGBA {
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			img.Set(x, y, color.RGBA{uint8(255 * x / w), uint8(255 * y / h), 0x80, 0xff})
		}
	}
	return img
}

func encoded(t *testing.T, f picture.Format) []byte {
	t.Helper()
	data, err := picture.Encode(gradient(48, 32), f)
	require.NoError(t, err)
	return data
}

var mark = picture.Mark{
	Source: picture.TrainedAlgorithmic, Generation: "0197a8e2-3c1f-7d55-8d2b-5f7d5a0e9c11", Model: `best & "only" <model>`,
}

var formats = []picture.Format{picture.PNG, picture.JPEG, picture.WebP}

// What exiftool reads is what others will read.
func TestMarksAreReadByExiftool(t *testing.T) {
	t.Parallel()
	exiftool := testenv.Program(t, "exiftool", "libimage-exiftool-perl")
	for _, f := range formats {
		t.Run(string(f), func(t *testing.T) {
			t.Parallel()
			marked, err := picture.Marked(encoded(t, f), mark)
			require.NoError(t, err)
			again, err := picture.Marked(marked, picture.Mark{Source: picture.CompositeWithTrained, Generation: mark.Generation, Model: "second"})
			require.NoError(t, err)
			first, second := readTags(t, exiftool, marked), readTags(t, exiftool, again)
			require.Equal(t, "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia", first["XMP-iptcExt:DigitalSourceType"])
			require.Equal(t, "urn:uuid:"+mark.Generation, first["XMP-dc:Identifier"])
			require.Equal(t, mark.Model, first["XMP-iptcExt:AISystemUsed"])
			require.Equal(t, "http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia", second["XMP-iptcExt:DigitalSourceType"])
			require.NotContains(t, first, "ExifTool:Warning")
			require.NotContains(t, first, "ExifTool:Error")
		})
	}
}

func readTags(t *testing.T, exiftool string, data []byte) map[string]any {
	t.Helper()
	file := filepath.Join(t.TempDir(), "picture")
	require.NoError(t, os.WriteFile(file, data, 0o600))
	out, err := exec.CommandContext(t.Context(), exiftool, "-json", "-G1", "-n", "-XMP:all", "-warning", "-error", file).Output()
	require.NoError(t, err)
	var all []map[string]any
	require.NoError(t, json.Unmarshal(out, &all))
	return all[0]
}

// A mark changes no pixel.
func TestMarkKeepsPixels(t *testing.T) {
	t.Parallel()
	for _, f := range formats {
		data := encoded(t, f)
		marked, err := picture.Marked(data, mark)
		require.NoError(t, err, f)
		require.NotEqual(t, data, marked)
		before, err := picture.Decode(data)
		require.NoError(t, err, f)
		after, err := picture.Decode(marked)
		require.NoError(t, err, f)
		require.Equal(t, before, after, f)
		require.Equal(t, 1, bytes.Count(marked, []byte("DigitalSourceType=")), f)
	}
}

// Metadata of somebody else stays beside the mark.
func TestMarkKeepsOtherXMP(t *testing.T) {
	t.Parallel()
	for _, f := range formats {
		marked, err := picture.Marked(encoded(t, f), mark)
		require.NoError(t, err)
		other := bytes.Replace(marked, []byte(`xmp:CreatorTool="aigen"`), []byte(`xmp:CreatorTool="other"`), 1)
		if f == picture.PNG {
			other = withChecksums(other)
		}
		again, err := picture.Marked(other, mark)
		require.NoError(t, err)
		require.Contains(t, string(again), `xmp:CreatorTool="other"`, f)
		require.Equal(t, 1, bytes.Count(again, []byte("DigitalSourceType=")), f)
	}
}

// withChecksums corrects the checksums of a PNG's chunks.
func withChecksums(data []byte) []byte {
	out := bytes.Clone(data)
	for at := 8; at+12 <= len(out); {
		n := int(binary.BigEndian.Uint32(out[at:]))
		binary.BigEndian.PutUint32(out[at+8+n:], crc32.ChecksumIEEE(out[at+4:at+8+n]))
		at += 12 + n
	}
	return out
}

// A C2PA manifest signs the bytes: they stay as they are.
func TestC2PAStaysByteForByte(t *testing.T) {
	t.Parallel()
	png := encoded(t, picture.PNG)
	body := []byte("\x00\x00\x00\x10jumb c2pa manifest")
	chunk := binary.BigEndian.AppendUint32(nil, uint32(len(body)))
	chunk = append(append(chunk, "caBX"...), body...)
	chunk = binary.BigEndian.AppendUint32(chunk, crc32.ChecksumIEEE(chunk[4:]))
	const afterHeader = 8 + 25
	signed := append(append(bytes.Clone(png[:afterHeader]), chunk...), png[afterHeader:]...)

	jpeg := encoded(t, picture.JPEG)
	segment := append([]byte{0xff, 0xeb, 0, byte(len(body) + 2)}, body...)
	signedJPEG := append(append(bytes.Clone(jpeg[:2]), segment...), jpeg[2:]...)

	for name, data := range map[string][]byte{"png": signed, "jpeg": signedJPEG} {
		require.True(t, picture.HasC2PA(data), name)
		marked, err := picture.Marked(data, mark)
		require.NoError(t, err)
		require.Equal(t, data, marked, name)
	}
	require.False(t, picture.HasC2PA(png))
}

// What follows the end of a PNG (an archive, a page) is not copied.
func TestMarkDropsWhatFollowsAPNG(t *testing.T) {
	t.Parallel()
	marked, err := picture.Marked(append(encoded(t, picture.PNG), "PK\x03\x04<script>"...), mark)
	require.NoError(t, err)
	require.NotContains(t, string(marked), "<script>")
}

func TestRefusesWhatIsNoPicture(t *testing.T) {
	t.Parallel()
	for name, data := range map[string]string{
		"empty": "", "svg": `<svg xmlns="http://www.w3.org/2000/svg"/>`, "html": "<!doctype html><title>x</title>", "gif": "GIF89a\x01\x00\x01\x00",
		"zip": "PK\x03\x04", "cut png": string(encoded(t, picture.PNG)[:30]), "cut jpeg": string(encoded(t, picture.JPEG)[:200]),
		"cut webp": string(encoded(t, picture.WebP)[:40]),
	} {
		_, err := picture.Inspect([]byte(data))
		if err == nil {
			_, err = picture.Decode([]byte(data))
		}
		require.ErrorIs(t, err, picture.ErrUnusable, name)
	}
}

func TestWithinTurnsAndScales(t *testing.T) {
	t.Parallel()
	small := picture.Within(gradient(400, 200), 6, 100)
	require.Equal(t, image.Rect(0, 0, 50, 100), small.Bounds())
	require.Equal(t, image.Rect(0, 0, 40, 20), picture.Within(gradient(40, 20), 1, 100).Bounds())
}

func FuzzMark(f *testing.F) {
	for _, format := range formats {
		data, err := picture.Encode(gradient(9, 5), format)
		require.NoError(f, err)
		f.Add(data)
		marked, err := picture.Marked(data, mark)
		require.NoError(f, err)
		f.Add(marked)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		picture.HasC2PA(data)
		info, err := picture.Inspect(data)
		if err != nil || info.Pixels() > 1<<20 {
			return
		}
		before, err := picture.Decode(data)
		if err != nil {
			return
		}
		marked, err := picture.Marked(data, mark)
		if err != nil {
			return
		}
		after, err := picture.Decode(marked)
		require.NoError(t, err)
		require.Equal(t, before, after)
	})
}
