package art

import "math"

// rgb is a colour in sRGB, gamma-encoded, 0–1 a channel; light may exceed 1 until it
// is stored.
type rgb struct{ r, g, b float32 }

func (c rgb) mix(d rgb, t float32) rgb {
	return rgb{c.r + (d.r-c.r)*t, c.g + (d.g-c.g)*t, c.b + (d.b-c.b)*t}
}
func (c rgb) add(d rgb, k float32) rgb { return rgb{c.r + d.r*k, c.g + d.g*k, c.b + d.b*k} }
func (c rgb) scale(k float32) rgb      { return rgb{c.r * k, c.g * k, c.b * k} }
func (c rgb) luma() float32            { return 0.299*c.r + 0.587*c.g + 0.114*c.b }

// screen lays light over c as a projector would: never darker, never over 1.
func (c rgb) screen(d rgb, k float32) rgb {
	return rgb{
		1 - (1-min(c.r, 1))*(1-d.r*k),
		1 - (1-min(c.g, 1))*(1-d.g*k),
		1 - (1-min(c.b, 1))*(1-d.b*k),
	}
}

// saturate moves c away from its grey (k over 1) or towards it (k under 1).
func (c rgb) saturate(k float32) rgb {
	l := c.luma()
	return rgb{l + (c.r-l)*k, l + (c.g-l)*k, l + (c.b-l)*k}
}

// lch is a colour in OKLCh: lightness 0–1, chroma 0–0.35, hue in degrees. Palettes are
// made here because equal steps look equal, whatever the hue.
// Source: https://bottosson.github.io/posts/oklab/
type lch struct{ l, c, h float64 }

// lab returns the colour in OKLab.
func (c lch) lab() [3]float64 {
	sin, cos := math.Sincos(c.h * math.Pi / 180)
	return [3]float64{c.l, c.c * cos, c.c * sin}
}

// rgb converts to sRGB. Where the screen cannot show the colour its chroma gives way:
// clipping the channels instead would turn the hue.
func (c lch) rgb() rgb {
	for range 24 {
		if out, ok := labRGB(c.lab()); ok {
			return out
		}
		c.c *= 0.9
	}
	out, _ := labRGB(c.lab())
	return out
}

// labRGB converts OKLab to sRGB, clamped; ok is false where it had to clamp.
func labRGB(lab [3]float64) (c rgb, ok bool) {
	l := lab[0] + 0.3963377774*lab[1] + 0.2158037573*lab[2]
	m := lab[0] - 0.1055613458*lab[1] - 0.0638541728*lab[2]
	s := lab[0] - 0.0894841775*lab[1] - 1.2914855480*lab[2]
	l, m, s = l*l*l, m*m*m, s*s*s
	ok = true
	gamma := func(x float64) float32 {
		ok = ok && x > -1e-4 && x < 1.0001
		if x <= 0.0031308 {
			return float32(12.92 * max(x, 0))
		}
		return float32(1.055*math.Pow(min(x, 1), 1/2.4) - 0.055)
	}
	c.r = gamma(4.0767416621*l - 3.3077115913*m + 0.2309699292*s)
	c.g = gamma(-1.2684380046*l + 2.6097574011*m - 0.3413193965*s)
	c.b = gamma(-0.0041960863*l - 0.7034186147*m + 1.7076147010*s)
	return c, ok
}

// ramp is a gradient, tabulated because mixing in OKLab costs too much for each pixel.
type ramp [257]rgb

// newRamp spreads the stops evenly and mixes between them in OKLab.
func newRamp(stops ...lch) *ramp {
	var out ramp
	for i := range out {
		t := float64(i) / float64(len(out)-1) * float64(len(stops)-1)
		k := min(int(t), len(stops)-2)
		t -= float64(k)
		a, b := stops[k].lab(), stops[k+1].lab()
		for j := range a {
			a[j] += (b[j] - a[j]) * t
		}
		out[i], _ = labRGB(a)
	}
	return &out
}

// at returns the colour at t; outside 0..1 the ends go on.
func (r *ramp) at(t float32) rgb {
	x := clamp01(t) * 255.999
	i := int(x)
	return r[i].mix(r[i+1], x-float32(i))
}
