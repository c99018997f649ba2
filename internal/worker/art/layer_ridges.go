package art

// ridges are sheets one before the other, each filled below its line: ranges of hills,
// dunes, waves, cut paper.
type ridges struct {
	sheets []sheet // back to front
	aa     float32
	light  float32 // -1 or 1: the side the light comes from
	relief float32 // strength of light and shade on the slopes, 0–1
	shadow float32 // darkness of the shadow a sheet throws on the one behind, 0–1
	reach  float32 // width of that shadow, in units
	snow   float32 // depth of snow below the line, in units; 0 for none
	white  rgb     // its colour
}

// sheet is one of them.
type sheet struct {
	line     *profile
	top, low rgb     // colour at the line, and fade below it
	fade     float32 // units
	foot     float32 // where the fade starts, in units from the top; 0: at the line
	rim      rgb     // a bright edge of the sheet
	rimWidth float32 // units; 0 for none
	grain    float32 // how much the field shows, 0–1
}

func (r *ridges) paint(c rgb, p vec, s sample) rgb {
	// From the front, find the sheet that hides all behind it: only those from there on
	// are painted.
	first := 0
	for i := len(r.sheets) - 1; i > 0; i-- {
		if depth, cos := r.sheets[i].line.below(p); depth*cos > r.aa {
			first = i
			break
		}
	}
	for i := first; i < len(r.sheets); i++ {
		sh := &r.sheets[i]
		depth, cos := sh.line.below(p)
		d := -depth * cos // signed distance, negative inside
		if d > r.aa {
			if d < r.reach {
				t := 1 - d/r.reach
				c = c.scale(1 - r.shadow*t*t)
			}
			c = sh.glow(c, d)
			continue
		}
		c = c.mix(r.surface(sh, p, depth, d, s), cover(d, r.aa))
	}
	return c
}

// surface is the colour of a sheet at p, depth units below its line.
func (r *ridges) surface(sh *sheet, p vec, depth, d float32, s sample) rgb {
	sunk := depth
	if sh.foot > 0 {
		sunk = p.y - sh.foot // mist lies level, whatever the hill's outline
	}
	c := sh.top.mix(sh.low, smooth(0, sh.fade, sunk))
	if r.relief > 0 {
		// The slope is read askew, further the deeper: flanks then run down at an angle.
		skew := min(max(depth, 0), 0.09) * (s.ridge - 0.45) * 1.9
		k := sh.line.slope(p.x+skew, 0.02) * r.light * r.relief
		k = k / (1 + abs(k)) / (1 + 7*max(depth, 0))
		c = c.scale(1 + 0.55*k)
		if r.snow > 0 {
			edge := r.snow * (0.55 + 1.1*s.ridge)
			c = c.mix(r.white.scale(1+0.25*min(k, 0)), smooth(edge, edge*0.72, depth)*0.92)
		}
	}
	if sh.grain > 0 {
		c = c.scale(1 + sh.grain*(s.ridge-0.5))
	}
	return sh.glow(c, d)
}

// glow adds the light of the rim at distance d from the line.
func (sh *sheet) glow(c rgb, d float32) rgb {
	if sh.rimWidth == 0 || abs(d) > 14*sh.rimWidth {
		return c
	}
	k := d / sh.rimWidth
	return c.add(sh.rim, 1/(1+k*k)-0.005)
}
