package main

import (
	"bytes"
	"image"
	"image/gif"
	"image/jpeg"
	"image/png"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen/internal/config"
)

// The engine may call a file what it likes; by its name it may be run.
func TestAFileIsNamedByWhatIsInIt(t *testing.T) {
	t.Parallel()
	picture := image.NewGray(image.Rect(0, 0, 4, 4))
	var asPNG, asJPEG, asGIF bytes.Buffer
	require.NoError(t, png.Encode(&asPNG, picture))
	require.NoError(t, jpeg.Encode(&asJPEG, picture, nil))
	require.NoError(t, gif.Encode(&asGIF, picture, nil))
	for content, extension := range map[string]string{
		asPNG.String(): "png", asJPEG.String(): "jpg", asGIF.String(): "gif",
		"\x00\x00\x00\x1cftypavif\x00\x00": "avif", "II*\x00 and so on": "tiff",
		"<script>alert(1)</script>": "bin", "MZ\x90\x00": "bin", "#!/bin/sh\n": "bin", "": "bin",
		"<svg xmlns='http://www.w3.org/2000/svg'/>": "bin", asPNG.String()[:10]: "bin",
	} {
		name := filepath.Join(t.TempDir(), "quarterly-report.html")
		require.NoError(t, os.WriteFile(name, []byte(content), 0o600))
		assert.Equal(t, extension, extensionOf(name), "%.20q", content)
	}
}

func TestOneSampleNeedsNoPick(t *testing.T) {
	t.Parallel()
	for _, o := range []generateOptions{{samples: 1, json: true}, {samples: 1}} {
		var faults []string
		o.checkPick(terminal{}, collect(&faults))
		assert.Empty(t, faults)
		assert.Equal(t, 1, o.pick)
	}
	var faults []string
	o := generateOptions{samples: 2}
	o.checkPick(terminal{}, collect(&faults))
	assert.Len(t, faults, 1)
	o = generateOptions{samples: 1}
	o.checkPick(terminal{inTTY: true, errTTY: true}, collect(&faults))
	assert.False(t, o.pickGiven, "a person is asked: the final costs credits")
}

func TestTheQuestionNamesThePrices(t *testing.T) {
	t.Parallel()
	c, err := config.Load(config.Options{Environ: []string{}, ReadFile: func(string) ([]byte, error) { return nil, os.ErrNotExist }})
	require.NoError(t, err)
	o := generateOptions{prompt: "a fox", samples: 3, resolution: "4096x4096"}
	var faults []string
	o.checkInput(collect(&faults))
	require.Empty(t, faults)
	r := &generateRun{o: &o, settings: &c, forSamples: 75}
	assert.Equal(t, "Which one? [1-3 (2.00 credits), r for new samples (0.75 credits), q to stop]", r.question(3))
	assert.Equal(t, "Which one? [1 (2.00 credits), r for new samples (0.75 credits), q to stop]", r.question(1))
	assert.Equal(t, "Which one? [1-3, r for new samples, q to stop]", (&generateRun{o: &o}).question(3), "of another service nothing is known")
}
