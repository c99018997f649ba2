package art

// tiles is a board of simple shapes, in the manner of the Bauhaus posters.
type tiles struct {
	side   float32 // of a tile, in units
	origin vec
	chips  [6]rgb
	seed   uint32
	wear   float32 // how much the field shows in the print, 0–1
	aa     float32
}

func (t *tiles) paint(_ rgb, p vec, s sample) rgb {
	q := p.sub(t.origin).scale(1 / t.side)
	ix, iy := floor(q.x), floor(q.y)
	q = q.sub(vec{float32(ix) + 0.5, float32(iy) + 0.5})
	h := hash2(ix, iy, t.seed)
	ground := t.chips[h>>4%6]
	shape := t.chips[(h>>4%6+1+h>>8%5)%6]
	third := t.chips[(h>>4%6+3+h>>12%2)%6]
	if h>>16&1 == 1 { // quarter turns come for free by mirroring and swapping
		q.x, q.y = q.y, q.x
	}
	if h>>17&1 == 1 {
		q.x = -q.x
	}
	if h>>18&1 == 1 {
		q.y = -q.y
	}
	d, inner := motif(h>>20%9, q)
	aa := t.aa / t.side
	c := ground.mix(shape, cover(d, aa)).mix(third, cover(inner, aa))
	return c.scale(1 + t.wear*(s.cloud-0.5))
}

// motif returns the signed distances, in tiles, to a shape and to a detail inside it.
func motif(kind uint32, q vec) (shape, detail float32) {
	const none = 9
	corner := q.add(vec{0.5, 0.5}).length()
	switch kind {
	case 0: // quarter disc
		return corner - 1, corner - 0.45
	case 1: // half disc
		return max(vec{q.x, q.y + 0.5}.length()-0.5, -q.y-0.5), none
	case 2: // triangle
		return (q.x + q.y) * 0.7071, none
	case 3: // rings
		r := q.length()
		return abs(r-0.36) - 0.09, r - 0.12
	case 4: // disc
		return q.length() - 0.40, none
	case 5: // leaf
		return max(corner-1, q.sub(vec{0.5, 0.5}).length()-1), q.length() - 0.13
	case 6: // stripes
		x := (q.x + 0.5) * 4
		return (abs(x-float32(floor(x))-0.5) - 0.25) / 4, none
	case 7: // arches
		r := vec{q.x, q.y - 0.5}.length()
		return abs(r-0.66) - 0.16, r - 0.28
	default: // plain, for the eye to rest
		return none, none
	}
}

// tiles: a board, over it one large disc in some.
func (st *studio) tiles() []layer {
	d := st.dice.fork("tiles")
	across := 3 + d.intn(4)
	if st.look.flat {
		across = 3
	}
	t := &tiles{
		side: min(st.w, st.h) / float32(across), chips: st.pal.chips,
		seed: uint32(d.next() >> 32), wear: 0.07, aa: st.aa,
	}
	if st.look.flat {
		t.wear = 0
	}
	// The remainder of the longer side is shared out on both ends.
	over := func(extent float32) float32 {
		n := extent / t.side
		return (n - float32(floor(n+0.001))) * t.side / 2
	}
	t.origin = vec{over(st.w), over(st.h)}
	return []layer{t}
}
