package art

// hash2 scrambles a lattice point and a seed to 32 bits.
func hash2(x, y int32, seed uint32) uint32 {
	h := uint32(x)*0x27d4eb2d ^ uint32(y)*0x9e3779b1 ^ seed //nolint:gosec // the bits matter, not the sign
	h = (h ^ h>>15) * 0x85ebca6b
	h = (h ^ h>>13) * 0xc2b2ae35
	return h ^ h>>16
}

// unit32 reads a hash as a number in [0, 1); shift picks other bits for a second number.
func unit32(h uint32, shift uint) float32 { return float32((h>>shift|h<<(32-shift))&0xffff) / 65536 }

// gradients are the 16 directions of gradient noise: a power of two for the mask, and
// none along an axis, which would show as streaks.
var gradients = func() (g [16]vec) {
	for i := range g {
		a := (float32(i) + 0.5) * (6.2831855 / 16)
		g[i] = vec{cos(a), sin(a)}
	}
	return g
}()

// noise is gradient noise, about -0.7..0.7, with features one unit of (x, y) wide.
func noise(x, y float32, seed uint32) float32 {
	ix, iy := floor(x), floor(y)
	fx, fy := x-float32(ix), y-float32(iy)
	u := fx * fx * fx * (fx*(fx*6-15) + 10)
	v := fy * fy * fy * (fy*(fy*6-15) + 10)
	g00 := gradients[hash2(ix, iy, seed)&15]
	g10 := gradients[hash2(ix+1, iy, seed)&15]
	g01 := gradients[hash2(ix, iy+1, seed)&15]
	g11 := gradients[hash2(ix+1, iy+1, seed)&15]
	top := lerp(g00.x*fx+g00.y*fy, g10.x*(fx-1)+g10.y*fy, u)
	low := lerp(g01.x*fx+g01.y*(fy-1), g11.x*(fx-1)+g11.y*(fy-1), u)
	return lerp(top, low, v)
}

// fbm sums octaves of noise, each twice as fine and half as strong; about -1..1.
func fbm(x, y float32, octaves int, seed uint32) float32 {
	var sum float32
	amp := float32(0.75)
	for i := range octaves {
		sum += amp * noise(x, y, seed+uint32(i)*0x632be5ab)
		// The turn hides the lattice: without it all octaves line up along the axes.
		x, y = 1.6*x-1.2*y+17.3, 1.2*x+1.6*y-9.1
		amp *= 0.5
	}
	return sum
}

// ridged is noise folded at zero, 0–1 with sharp crests: mountains, folds of cloth.
func ridged(x, y float32, octaves int, seed uint32) float32 {
	var sum float32
	amp := float32(0.5)
	for i := range octaves {
		n := 1 - 1.6*abs(noise(x, y, seed+uint32(i)*0x51ed270b))
		sum += amp * n * n
		x, y = 1.6*x-1.2*y+3.7, 1.2*x+1.6*y+21.9
		amp *= 0.5
	}
	return sum
}
