package worker

import (
	"strings"

	"github.com/creativeflow/aigen"
)

// The sizes that OpenAI's models can make (https://platform.openai.com/docs/api-reference/images/create).
var (
	sizesGPTImage = []aigen.Resolution{{Width: 1024, Height: 1024}, {Width: 1536, Height: 1024}, {Width: 1024, Height: 1536}}
	sizesDallE3   = []aigen.Resolution{{Width: 1024, Height: 1024}, {Width: 1792, Height: 1024}, {Width: 1024, Height: 1792}}
	sizesDallE2   = []aigen.Resolution{{Width: 1024, Height: 1024}}
)

const (
	requestSide = 1024 // the longer side, where the model may make any size
	requestStep = 64   // diffusion models want multiples of it
)

// bareModel is the name without the vendor that gateways put before it
// ("openai/gpt-image-1").
func bareModel(model string) string {
	return strings.ToLower(model[strings.LastIndexByte(model, '/')+1:])
}

func isGPTImage(model string) bool { return strings.HasPrefix(bareModel(model), "gpt-image") }

// responseFormat asks for the picture in the answer. The gpt-image models do that
// anyway, and refuse the field.
func responseFormat(model string) string {
	if isGPTImage(model) {
		return ""
	}
	return "b64_json"
}

// requestSize is what to ask of the model for a final of size r.
func requestSize(model string, r aigen.Resolution) aigen.Resolution {
	switch {
	case isGPTImage(model):
		return leastCropped(sizesGPTImage, r)
	case strings.HasPrefix(bareModel(model), "dall-e-3"):
		return leastCropped(sizesDallE3, r)
	case strings.HasPrefix(bareModel(model), "dall-e-2"):
		return leastCropped(sizesDallE2, r)
	}
	longer := max(r.Width, r.Height)
	step := func(side int) int {
		// To the nearest step; integer, so that the same request is made everywhere.
		steps := (2*side*requestSide + longer*requestStep) / (2 * longer * requestStep)
		return max(1, steps) * requestStep
	}
	return aigen.Resolution{Width: step(r.Width), Height: step(r.Height)}
}

// leastCropped is the size of which most is left after cropping it to the shape of r;
// of equals the first.
func leastCropped(sizes []aigen.Resolution, r aigen.Resolution) aigen.Resolution {
	best, bestLeft := sizes[0], 0.0
	for _, s := range sizes {
		// What is left is the ratio of the two aspects, the smaller by the larger.
		a, b := float64(s.Width*r.Height), float64(s.Height*r.Width)
		if left := min(a, b) / max(a, b); left > bestLeft {
			best, bestLeft = s, left
		}
	}
	return best
}
