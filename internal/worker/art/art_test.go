package art

import (
	"bytes"
	"context"
	"image"
	"image/png"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func render(t testing.TB, s Spec) *image.RGBA {
	t.Helper()
	img, err := Render(context.Background(), s)
	require.NoError(t, err)
	return img
}

func fox() Spec {
	return Spec{Prompt: "A fox in a misty forest", Format: "InstagramPost", Width: 192, Height: 192, Seed: 7, Caption: true}
}

// distance is the mean absolute difference of the channels, 0–255.
func distance(a, b *image.RGBA) float64 {
	var sum, n float64
	for y := range a.Rect.Dy() {
		for x := range a.Rect.Dx() * 4 {
			if x%4 == 3 {
				continue
			}
			d := float64(a.Pix[y*a.Stride+x]) - float64(b.Pix[y*b.Stride+x])
			sum += max(d, -d)
			n++
		}
	}
	return sum / n
}

func TestSameSpecSameBytes(t *testing.T) {
	t.Parallel()
	for _, style := range []string{"", "watercolour", "oil", "minimal", "neon", "pixel", "sketch", "retro", "photo", "comic"} {
		s := fox()
		s.Style = style
		once := render(t, s).Pix
		require.Equal(t, once, render(t, s).Pix, style)
	}
}

// Not parallel: it changes GOMAXPROCS for the whole process.
func TestSameBytesWhateverTheCores(t *testing.T) { //nolint:paralleltest // see above
	many := render(t, fox())
	before := runtime.GOMAXPROCS(1)
	one := render(t, fox())
	runtime.GOMAXPROCS(before + 3)
	more := render(t, fox())
	runtime.GOMAXPROCS(before)
	assert.Equal(t, one.Pix, many.Pix)
	assert.Equal(t, one.Pix, more.Pix)
}

func TestEachFieldOfTheSpecShows(t *testing.T) {
	t.Parallel()
	const visible = 6 // of 255, on average over the whole picture
	base := render(t, fox())
	for name, change := range map[string]func(*Spec){
		"prompt": func(s *Spec) { s.Prompt = "A whale in the ocean" },
		"words":  func(s *Spec) { s.Prompt = "Zyxgrab" },
		"style":  func(s *Spec) { s.Style = "watercolour" },
		"format": func(s *Spec) { s.Format = "YouTubeThumbnail" },
		"seed":   func(s *Spec) { s.Seed++ },
	} {
		s := fox()
		change(&s)
		assert.Greater(t, distance(base, render(t, s)), float64(visible), name)
	}
	s := fox()
	s.Caption = false
	assert.Greater(t, distance(base, render(t, s)), 2.0, "caption")
	s.Width = 256
	assert.Equal(t, image.Rect(0, 0, 256, 192), render(t, s).Rect)
}

func TestEachStyleShows(t *testing.T) {
	t.Parallel()
	styles := []string{"", "watercolour", "oil", "minimal", "neon", "pixel", "sketch", "retro", "photo", "comic", "unheard of"}
	var seen []*image.RGBA
	for i, style := range styles {
		s := fox()
		s.Style, s.Caption = style, false
		img := render(t, s)
		for j, other := range seen {
			assert.Greater(t, distance(img, other), 4.0, "%q and %q", styles[i], styles[j])
		}
		seen = append(seen, img)
	}
}

// A user picks a sample and gets the same picture larger.
func TestSameCompositionAtEachResolution(t *testing.T) {
	t.Parallel()
	prompts := []string{
		"fox forest", "mountain", "desert", "ocean", "city at night", "galaxy", "party lights", "bauhaus", "ai tech", "jazz", "marble",
	}
	styles := []string{"watercolour", "oil", "minimal", "neon", "pixel", "sketch", "retro", "photo", "comic"}
	for i, prompt := range prompts {
		for _, style := range []string{"", styles[i%len(styles)], styles[(i+5)%len(styles)]} {
			s := Spec{Prompt: prompt, Style: style, Width: 192, Height: 240, Seed: 3}
			small := render(t, s)
			other := s
			other.Seed++
			s.Width, s.Height = 576, 720
			d := distance(small, shrink(render(t, s), 3))
			assert.Less(t, d, 12.0, "%s, %s", prompt, style) // dither and outlines take most of it
			assert.Less(t, d, 0.6*distance(small, render(t, other)), "%s, %s: nearer than another seed's", prompt, style)
		}
	}
}

// shrink averages blocks of k×k pixels.
func shrink(img *image.RGBA, k int) *image.RGBA {
	out := image.NewRGBA(image.Rect(0, 0, img.Rect.Dx()/k, img.Rect.Dy()/k))
	for y := range out.Rect.Dy() {
		for x := range out.Rect.Dx() * 4 {
			sum := 0
			for j := range k {
				for i := range k {
					sum += int(img.Pix[(y*k+j)*img.Stride+(x/4*k+i)*4+x%4])
				}
			}
			out.Pix[y*out.Stride+x] = uint8(sum / (k * k))
		}
	}
	return out
}

func TestNoPictureIsFlat(t *testing.T) {
	t.Parallel()
	for seed := range uint64(40) {
		s := Spec{Prompt: strings.Repeat("x", int(seed%7)), Width: 128, Height: 96, Seed: seed}
		img := render(t, s)
		var sum, square, n float64
		for i := range img.Pix {
			if i%4 != 3 {
				v := float64(img.Pix[i])
				sum, square, n = sum+v, square+v*v, n+1
			}
		}
		assert.Greater(t, square/n-(sum/n)*(sum/n), 150.0, "variance, seed %d", seed)
	}
}

func TestSizeOutOfBounds(t *testing.T) {
	t.Parallel()
	for _, size := range [][2]int{{63, 64}, {64, 63}, {4097, 64}, {64, 4097}, {0, 0}, {-1, 100}} {
		_, err := Render(context.Background(), Spec{Width: size[0], Height: size[1]})
		require.ErrorIs(t, err, ErrSize)
		assert.Contains(t, err.Error(), "64–4096")
	}
	render(t, Spec{Width: 64, Height: 4096})
	render(t, Spec{Width: 4096, Height: 64, Caption: true, Prompt: "wide"})
}

func TestCancelled(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err := Render(ctx, fox())
	require.ErrorIs(t, err, context.Canceled)
}

// countdown is a context that ends after it was asked a number of times.
type countdown struct {
	context.Context //nolint:containedctx // it is one
	cancel          context.CancelFunc
	left            chan struct{}
}

func (c countdown) Err() error {
	select {
	case <-c.left:
	default:
		c.cancel()
	}
	return c.Context.Err()
}

func TestCancelledHalfway(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(context.Background())
	c := countdown{ctx, cancel, make(chan struct{}, 300)}
	for range cap(c.left) { // the field takes about 175 rows, so this ends amid the pixels
		c.left <- struct{}{}
	}
	s := fox()
	s.Width, s.Height = 512, 512
	_, err := Render(c, s)
	require.ErrorIs(t, err, context.Canceled)
}

func TestEncode(t *testing.T) {
	t.Parallel()
	img := render(t, fox())
	for range 2 { // the second time with a used buffer
		var out bytes.Buffer
		require.NoError(t, Encode(&out, img))
		got, err := png.Decode(&out)
		require.NoError(t, err)
		assert.Equal(t, img.Rect, got.Bounds())
		assert.Equal(t, img.Pix, got.(*image.RGBA).Pix)
	}
}

func TestSeed(t *testing.T) {
	t.Parallel()
	assert.Equal(t, uint64(0xa162625802be2e14), Seed("prompt", "job", "1"), "a seed must never change")
	seen := map[uint64]bool{}
	for _, parts := range [][]string{nil, {""}, {"", ""}, {"ab", "c"}, {"a", "bc"}, {"abc"}, {"c", "ab"}} {
		seen[Seed(parts...)] = true
	}
	assert.Len(t, seen, 7)
}
