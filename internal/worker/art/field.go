package art

import "context"

// fieldCell is the lattice step of a field, in units. It is the same at each size of
// picture, so a sample and its final read the same numbers, and a final of 16 megapixels
// costs no more noise than a sample.
const fieldCell = 1.0 / 160

// fieldPad is how many lattice points a field reaches beyond each edge, for techniques
// that look up points beside the picture.
const fieldPad = 6

// sample is what the fields hold at one point, each about 0–1.
type sample struct {
	warp  float32 // domain-warped noise: ink in water, marble
	fold  float32 // how strongly it was warped: veins
	cloud float32 // plain fractal noise
	ridge float32 // sharp crests
}

// field is fractal noise on a lattice, read with quadratic B-splines: smooth enough
// that a lattice step of 25 pixels shows no facets.
type field struct {
	nodes  []sample
	nx, ny int
}

// newField tabulates the noise for a frame; scale is the number of large features along
// a unit, stretch how many times longer than high they are.
func newField(ctx context.Context, f frame, scale, stretch float32, seed uint32) (*field, error) {
	nx := int(f.w/fieldCell) + 2*fieldPad + 2
	ny := int(f.h/fieldCell) + 2*fieldPad + 2
	out := &field{nodes: make([]sample, nx*ny), nx: nx, ny: ny}
	err := eachRow(ctx, ny, func(j int) {
		y := float32(j-fieldPad) * fieldCell * scale
		row := out.nodes[j*nx : (j+1)*nx]
		for i := range row {
			row[i] = sampleAt(float32(i-fieldPad)*fieldCell*scale/stretch, y, seed)
		}
	})
	return out, err
}

// sampleAt computes the four noises of one lattice point.
// The warp is Inigo Quilez', https://iquilezles.org/articles/warp/
func sampleAt(x, y float32, seed uint32) sample {
	qx := fbm(x, y, 3, seed)
	qy := fbm(x+5.2, y+1.3, 3, seed^0x1b56c4e9)
	rx := fbm(x+1.8*qx+1.7, y+1.8*qy+9.2, 3, seed^0x7f4a7c15)
	w := fbm(x+1.5*qy+1.6*rx, y+1.5*qx-1.6*rx, 4, seed^0x2545f491)
	return sample{
		warp:  clamp01(0.5 + 0.72*w),
		fold:  clamp01(sqrt(qx*qx+rx*rx) * 1.25),
		cloud: clamp01(0.5 + 0.72*fbm(x*1.3, y*2.1, 5, seed^0x68bc21eb)),
		ridge: clamp01(ridged(x*1.7, y*1.7, 4, seed^0x02e5be93)),
	}
}

// at reads the field; p may lie anywhere, beyond the pad the edge goes on.
func (f *field) at(p vec) sample {
	i, wx := spline(p.x/fieldCell, f.nx)
	j, wy := spline(p.y/fieldCell, f.ny)
	var out sample
	for dj := range 3 {
		row := f.nodes[(j+dj)*f.nx+i:]
		row = row[:3]
		for di := range 3 {
			k, n := wy[dj]*wx[di], &row[di]
			out.warp += k * n.warp
			out.fold += k * n.fold
			out.cloud += k * n.cloud
			out.ridge += k * n.ridge
		}
	}
	return out
}

// spline returns the first of the three lattice points around x, and their weights.
func spline(x float32, n int) (first int, w [3]float32) {
	x += fieldPad
	if !(x >= 1) { // also a NaN
		x = 1
	}
	x = min(x, float32(n-2)-0.01)
	i := int(x + 0.5)
	t := x - float32(i)
	a, b := 0.5-t, 0.5+t
	return i - 1, [3]float32{0.5 * a * a, 0.75 - t*t, 0.5 * b * b}
}
