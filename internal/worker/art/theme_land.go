package art

// skyline of the landscape themes: where the land starts, as a share of the height.
const (
	horizonHigh = 0.46
	horizonLow  = 0.62
)

// heaven returns the layers behind a landscape: sky, stars at night, sun or moon.
func (st *studio) heaven(horizon float32) []layer {
	d := st.dice.fork("heaven")
	turn, clouds := d.between(0.06, 0.2), d.between(0.25, 0.8)
	if st.look.flat {
		turn, clouds = 0, 0
	}
	if st.pal.night {
		clouds *= 0.6
	}
	layers := []layer{&sky{colors: st.pal.sky, horizon: horizon, turn: turn, cloud: st.pal.cloud, clouds: clouds}}
	orb := &sun{
		at:   vec{st.w * (0.5 + d.sign()*d.between(0.05, 0.27)), horizon * d.between(0.38, 0.8)},
		r:    d.between(0.075, 0.15),
		core: st.pal.sun, halo: st.pal.glow,
		power: d.between(0.35, 0.6), spread: d.between(2.2, 3.6), aa: st.aa,
	}
	switch {
	case st.look.name == lookNeon:
		orb.r, orb.bars = d.between(0.2, 0.27), 1
		orb.at = vec{st.w * d.between(0.42, 0.58), horizon - orb.r*0.55}
		orb.core, orb.halo, orb.power = st.pal.paper.mix(st.pal.second, 0.35), st.pal.accent, 0.42
	case st.look.flat, st.look.name == lookRetro:
		orb.r *= 1.6
	case st.pal.night:
		orb.craters = 0.16
	}
	if st.pal.night {
		layers = append(layers, st.starlight(horizon, d.next()))
	}
	return append(layers, orb)
}

func (st *studio) starlight(horizon float32, seed uint64) layer {
	return &stars{
		cell: 0.045, seed: uint32(seed >> 32), color: st.pal.paper, tint: st.pal.glow,
		horizon: horizon, aa: st.aa,
	}
}

// terrain describes a row of sheets that come nearer from line to line.
type terrain struct {
	count       int
	from, to    float32 // height of the first and the last line, in units
	rise        float32 // height of the first line's peaks, in units
	mist        float32 // how much of the horizon's colour gathers at the feet, 0–1
	line        func(x float32, k int, t float32, seed uint32) float32
	relief      float32
	grain       float32
	shadow      float32
	snow        float32
	shadowReach float32
}

// land builds the sheets of a terrain; line is asked with the sheet's nearness t, 0–1,
// and gives the height over the sheet's base, about -1..1 of its rise.
func (st *studio) land(t terrain) *ridges {
	d := st.dice.fork("land")
	out := &ridges{
		aa: st.aa, light: d.sign(), relief: t.relief, shadow: t.shadow, reach: t.shadowReach,
		snow: t.snow, white: st.pal.paper,
	}
	if st.look.flat {
		out.relief, out.shadow, t.grain, t.mist = 0, 0, 0, t.mist*0.4
	}
	haze := st.pal.sky.at(0.92)
	for k := range t.count {
		near := float32(k) / float32(max(t.count-1, 1))
		seed := uint32(d.next() >> 32)
		base := lerp(t.from, t.to, near) + d.between(-0.015, 0.015)
		rise := t.rise * (1 - 0.35*near)
		top := st.pal.far.mix(st.pal.near, smooth(0, 1, near)*0.5+near*0.5)
		sh := sheet{
			line: newProfile(st.w, func(x float32) float32 { return base - rise*t.line(x, k, near, seed) }),
			top:  top, low: top.mix(haze, t.mist*(1-0.75*near)), fade: 0.05 + 0.22*(1-near*0.4), grain: t.grain,
			foot: base - 0.35*rise,
		}
		if st.look.name == lookNeon {
			sh.top, sh.low = st.pal.ink.mix(st.pal.second, 0.10), st.pal.ink
			sh.rim, sh.rimWidth = st.pal.accent.mix(st.pal.second, near), 0.0022
		}
		out.sheets = append(out.sheets, sh)
	}
	return out
}

// mountains: ranges in the haze.
func (st *studio) mountains() []layer {
	d := st.dice.fork("mountains")
	horizon := st.h * d.between(horizonHigh, horizonLow)
	count := 4 + d.intn(3)
	if st.look.flat {
		count = 3
	}
	freq := d.between(1.1, 1.9)
	snow := float32(0)
	if st.mood.snow {
		snow = 0.10
	}
	land := st.land(terrain{
		count: count, from: horizon, to: st.h * 0.94, rise: d.between(0.26, 0.36),
		mist: 0.75, relief: 1, grain: 0.07, snow: snow,
		line: func(x float32, k int, near float32, seed uint32) float32 {
			// Far ranges are sharp, near hills are round.
			peaks := ridged(x*freq, float32(k)*7.1, 6, seed) - 0.38
			hills := 0.5 * fbm(x*freq*0.8, float32(k)*3.3, 4, seed)
			return lerp(peaks*1.25, hills, near*0.85)
		},
	})
	layers := append(st.heaven(horizon), land)
	if st.look.name == lookNeon {
		return append(layers, st.neonFloor(st.h*0.80))
	}
	return append(layers, st.mist(horizon+0.06, 0.05, 0.28))
}

func (st *studio) mist(y, thickness, amount float32) layer {
	if st.look.flat {
		amount = 0
	}
	return &veil{color: st.pal.sky.at(0.95), y: y, thk: thickness, amount: amount}
}

// forest: conifers on slopes, and mist between the rows.
func (st *studio) forest() []layer {
	d := st.dice.fork("forest")
	horizon := st.h * d.between(horizonHigh, horizonLow)
	count := 5 + d.intn(2)
	if st.look.flat {
		count = 4
	}
	freq := d.between(0.9, 1.5)
	land := st.land(terrain{
		count: count, from: horizon, to: st.h * 0.93, rise: 0.16, mist: 0.85,
		line: func(x float32, k int, near float32, seed uint32) float32 {
			hill := fbm(x*freq, float32(k)*3.3, 3, seed)
			if k == 0 {
				return hill + 0.35 // a bare hill at the back gives the trees scale
			}
			return 0.8*hill + conifers(x, 0.030+0.075*near*near, seed)*(0.25+1.0*near)
		},
	})
	return append(st.heaven(horizon), land, st.mist(st.h*0.80, 0.07, 0.22))
}

// conifers is the outline of a row of trees, 0–1, each about width units wide.
func conifers(x, width float32, seed uint32) float32 {
	var top float32
	i := floor(x / width)
	for j := i - 1; j <= i+1; j++ {
		h := hash2(j, 0, seed)
		if h&7 == 0 {
			continue // a clearing
		}
		center := (float32(j) + 0.5 + 0.5*(unit32(h, 4)-0.5)) * width
		tall := 0.45 + 0.55*unit32(h, 12)
		across := abs(x-center) / (width * (0.42 + 0.2*unit32(h, 20)))
		// Boughs: the outline falls in teeth, each hanging out over the one above.
		t := across * 6
		tooth := (t - float32(floor(t))) * 0.55 / 6
		top = max(top, tall*(1-across+tooth*1.5))
	}
	return max(top, 0)
}

// desert: dunes with a lit and a shaded side.
func (st *studio) desert() []layer {
	d := st.dice.fork("desert")
	horizon := st.h * d.between(horizonHigh, horizonLow)
	freq := d.between(0.7, 1.2)
	count := 4 + d.intn(2)
	if st.look.flat {
		count = 3
	}
	land := st.land(terrain{
		count: count, from: horizon, to: st.h * 0.88, rise: 0.15, mist: 0.35, relief: 1.6, grain: 0.12,
		line: func(x float32, k int, near float32, seed uint32) float32 {
			n := noise(x*freq*(1.6-0.7*near), float32(k)*5.7, seed)
			return 1.3 * (0.5 - abs(n)*1.8) // folded: a dune has one sharp crest
		},
	})
	layers := append(st.heaven(horizon), land)
	if st.look.name == lookNeon {
		return append(layers, st.neonFloor(st.h*0.82))
	}
	return layers
}
