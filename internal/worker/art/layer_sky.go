package art

// sky is the backdrop: a gradient that the field bends, and clouds.
type sky struct {
	colors  *ramp
	horizon float32 // units from the top, where the gradient ends
	turn    float32 // how much the field bends the gradient, 0–1
	cloud   rgb
	clouds  float32 // 0–1
}

func (k *sky) paint(_ rgb, p vec, s sample) rgb {
	t := p.y / k.horizon
	c := k.colors.at(t + k.turn*(s.warp-0.5))
	if k.clouds > 0 {
		// The higher the thinner, as one looks at clouds from below.
		c = c.mix(k.cloud, k.clouds*smooth(0.48, 0.86, s.cloud)*(0.4+0.6*clamp01(t)))
	}
	return c
}

// sun is a disc with light around it; also the moon.
type sun struct {
	at         vec
	r          float32 // units
	core, halo rgb
	power      float32 // of the light around, 0–1
	spread     float32 // how far it reaches, in radii
	bars       float32 // gaps across the lower half, as posters of the eighties have; 0 none
	craters    float32 // 0–1
	aa         float32
}

func (u *sun) paint(c rgb, p vec, s sample) rgb {
	q := p.sub(u.at)
	dist := q.length()
	k := dist / (u.r * u.spread)
	c = c.screen(u.halo, u.power/(1+k*k*3))
	d := dist - u.r
	if d > u.aa {
		return c
	}
	core := u.core.mix(u.halo, clamp01(0.25+0.5*q.y/u.r)*0.8)
	if u.craters > 0 {
		core = core.scale(1 - u.craters*smooth(0.45, 0.65, s.warp))
	}
	inside := cover(d, u.aa)
	if u.bars > 0 && q.y > -0.1*u.r {
		// Gaps widen towards the bottom.
		t := (q.y/u.r + 0.1) * 6
		gap := abs(t-float32(floor(t))-0.5) - 0.5 + 0.09*t*u.bars
		inside *= cover(gap*u.r/6, u.aa)
	}
	return c.mix(core, inside)
}

// stars are points in cells: most faint, a few bright.
type stars struct {
	cell    float32 // units
	seed    uint32
	color   rgb
	tint    rgb
	horizon float32 // units from the top; they fade towards it
	aa      float32
}

func (t *stars) paint(c rgb, p vec, _ sample) rgb {
	ix, iy := floor(p.x/t.cell), floor(p.y/t.cell)
	h := hash2(ix, iy, t.seed)
	if h&3 == 0 {
		return c // not a grid: a quarter of the cells is empty
	}
	// Held inside the cell, so that no neighbour needs asking.
	at := vec{
		(float32(ix) + 0.2 + 0.6*unit32(h, 3)) * t.cell,
		(float32(iy) + 0.2 + 0.6*unit32(h, 19)) * t.cell,
	}
	bright := unit32(h, 9)
	bright *= bright * bright
	r := t.cell * (0.018 + 0.045*bright)
	d := p.sub(at).length() - r
	if d > r*4+t.aa {
		return c
	}
	// A star thinner than a pixel keeps its light: it is spread over the pixel instead.
	soft := max(t.aa, r)
	k := cover(d, soft) * min(1, 2*r/t.aa) * (0.3 + 0.7*bright + 0.3*unit32(h, 23))
	return c.screen(t.color.mix(t.tint, unit32(h, 13)), k*smooth(t.horizon, t.horizon*0.4, p.y))
}

// veil is mist in front of what is painted so far, densest at a height.
type veil struct {
	color  rgb
	y, thk float32 // height of the densest place and thickness, in units
	amount float32 // 0–1
}

func (v *veil) paint(c rgb, p vec, s sample) rgb {
	k := (p.y - v.y) / v.thk
	return c.mix(v.color, v.amount*(0.35+0.9*s.cloud)/(1+k*k*k*k))
}
