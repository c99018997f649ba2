package art

import "math"

// vec is a point or a vector, in units of the picture (see [frame]); y points down.
type vec struct{ x, y float32 }

func (a vec) add(b vec) vec         { return vec{a.x + b.x, a.y + b.y} }
func (a vec) sub(b vec) vec         { return vec{a.x - b.x, a.y - b.y} }
func (a vec) scale(k float32) vec   { return vec{a.x * k, a.y * k} }
func (a vec) dot(b vec) float32     { return a.x*b.x + a.y*b.y }
func (a vec) length() float32       { return sqrt(a.dot(a)) }
func (a vec) rotate(r rotation) vec { return vec{a.x*r.cos - a.y*r.sin, a.x*r.sin + a.y*r.cos} }

// rotation is an angle, kept as its cosine and sine.
type rotation struct{ cos, sin float32 }

// rotated returns the rotation by rad radians.
func rotated(rad float32) rotation { return rotation{cos(rad), sin(rad)} }

func sqrt(x float32) float32 { return float32(math.Sqrt(float64(x))) }
func sin(x float32) float32  { return float32(math.Sin(float64(x))) }
func cos(x float32) float32  { return float32(math.Cos(float64(x))) }
func abs(x float32) float32  { return math.Float32frombits(math.Float32bits(x) &^ (1 << 31)) }

// floor is math.Floor as an integer, for |x| under 2³¹; an order of magnitude cheaper.
func floor(x float32) int32 {
	i := int32(x)
	if x < float32(i) {
		i--
	}
	return i
}

// clamp01 limits x to 0..1. A NaN becomes 0, so that no index is ever made of one.
func clamp01(x float32) float32 {
	if x > 0 {
		return min(x, 1)
	}
	return 0
}

func lerp(a, b, t float32) float32 { return a + (b-a)*t }

// smooth rises from 0 at lo to 1 at hi without a kink; lo may be over hi, then it falls.
func smooth(lo, hi, x float32) float32 {
	t := clamp01((x - lo) / (hi - lo))
	return t * t * (3 - 2*t)
}

// cover is how much of a pixel lies inside a shape, 0–1, where d is the signed distance
// to the shape's edge (negative inside) and aa the width of the soft edge, both in units.
func cover(d, aa float32) float32 { return clamp01(0.5 - d/aa) }
