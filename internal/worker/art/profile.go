package art

// profileStep is the distance of a profile's nodes in units: two pixels of the largest
// picture, so that straight pieces never show.
const profileStep = 1.0 / 2048

// profileMargin is how far a profile reaches beyond both sides of the picture, in units,
// for techniques that look up points beside it.
const profileMargin = 0.06

// profile is a line across the picture, tabulated: heights cost an octave sum each, and
// a picture asks for each column thousands of times.
type profile struct{ nodes []profileNode }

// profileNode is the line at one abscissa: its y in units, its slope dy/dx, and the
// cosine of its angle, which turns a vertical distance into the distance to the line.
type profileNode struct{ y, slope, cos float32 }

// newProfile tabulates y over 0..w.
func newProfile(w float32, y func(x float32) float32) *profile {
	n := int((w+2*profileMargin)/profileStep) + 2
	out := &profile{nodes: make([]profileNode, n)}
	for i := range out.nodes {
		out.nodes[i].y = y(float32(i)*profileStep - profileMargin)
	}
	for i := range out.nodes {
		a, b := out.nodes[max(i-1, 0)].y, out.nodes[min(i+1, n-1)].y
		slope := (b - a) / (2 * profileStep)
		out.nodes[i].slope = slope
		out.nodes[i].cos = 1 / sqrt(1+slope*slope)
	}
	return out
}

// below returns how far p lies under the line, vertically, negative above it, and the
// cosine of the line's angle there.
func (f *profile) below(p vec) (depth, cos float32) {
	x := (p.x + profileMargin) / profileStep
	if !(x > 0) { // also a NaN
		x = 0
	}
	i := min(int(x), len(f.nodes)-2)
	a, b := &f.nodes[i], &f.nodes[i+1]
	t := min(x-float32(i), 1)
	return p.y - lerp(a.y, b.y, t), a.cos
}

// slope returns dy/dx of the line at x, averaged over span units, so that a hillside's
// light follows the hill and not each stone.
func (f *profile) slope(x, span float32) float32 {
	last := float32(len(f.nodes) - 1)
	a := int(clamp01((x-span/2+profileMargin)/profileStep/last) * last)
	b := int(clamp01((x+span/2+profileMargin)/profileStep/last) * last)
	if a >= b {
		return 0
	}
	return (f.nodes[b].y - f.nodes[a].y) / (float32(b-a) * profileStep)
}
