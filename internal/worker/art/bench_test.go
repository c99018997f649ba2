package art

import (
	"fmt"
	"io"
	"testing"
)

func BenchmarkRender(b *testing.B) {
	for _, prompt := range []string{"forest", "ocean", "city", "galaxy", "party", "bauhaus", "tech", "jazz", "marble"} {
		b.Run(prompt, func(b *testing.B) {
			b.ReportAllocs()
			for range b.N {
				render(b, Spec{Prompt: prompt, Width: 512, Height: 512, Seed: 1, Caption: true})
			}
		})
	}
}

func BenchmarkStyle(b *testing.B) {
	for _, l := range []string{"watercolour", "oil", "minimal", "neon", "pixel", "sketch", "retro", "photo", "comic"} {
		b.Run(l, func(b *testing.B) {
			for range b.N {
				render(b, Spec{Prompt: "mountain", Style: l, Width: 512, Height: 512, Seed: 1, Caption: true})
			}
		})
	}
}

func BenchmarkLargest(b *testing.B) {
	for _, style := range []string{"", "oil", "sketch"} {
		b.Run("style="+style, func(b *testing.B) {
			b.ReportAllocs()
			for range b.N {
				render(b, Spec{Prompt: "mountain", Style: style, Width: 4096, Height: 4096, Seed: 1, Caption: true})
			}
		})
	}
}

func BenchmarkEncode(b *testing.B) {
	for _, side := range []int{512, 4096} {
		img := render(b, Spec{Prompt: "ocean", Width: side, Height: side, Caption: true})
		b.Run(fmt.Sprint(side), func(b *testing.B) {
			b.ReportAllocs()
			var n counter
			for range b.N {
				n = 0
				if err := Encode(io.MultiWriter(io.Discard, &n), img); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(n), "bytes/png")
		})
	}
}

type counter int

func (c *counter) Write(p []byte) (int, error) {
	*c += counter(len(p))
	return len(p), nil
}
