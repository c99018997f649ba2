package art

import "math/bits"

// Seed hashes the parts to a seed for [Spec.Seed], such as the prompt, a job's id and
// the index of a sample. It is FNV-1a with a finishing mix, the same on every machine
// and in every release; the length of each part counts, so ("ab","c") and ("a","bc")
// differ.
func Seed(parts ...string) uint64 {
	const offset, prime = 14695981039346656037, 1099511628211
	h := uint64(offset)
	for _, part := range parts {
		for i := range len(part) {
			h = (h ^ uint64(part[i])) * prime
		}
		h = (h ^ uint64(len(part))) * prime
	}
	// FNV alone leaves neighbouring inputs ("1", "2") with similar high bits.
	return mix64(h)
}

// mix64 is the finisher of splitmix64: each bit of x changes about half of the result.
func mix64(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// dice is a splitmix64 generator. It is ours rather than math/rand's because the
// stream must never change with a Go release: a picture is rendered again in high
// resolution days after its sample.
type dice struct{ state uint64 }

func (d *dice) next() uint64 {
	d.state += 0x9e3779b97f4a7c15
	return mix64(d.state)
}

// unit returns a number in [0, 1).
func (d *dice) unit() float32 { return float32(d.next()>>40) / (1 << 24) }

// between returns a number in [lo, hi).
func (d *dice) between(lo, hi float32) float32 { return lo + (hi-lo)*d.unit() }

// intn returns a number in 0..n-1; n must be over 0.
func (d *dice) intn(n int) int {
	hi, _ := bits.Mul64(d.next(), uint64(n)) //nolint:gosec // n is a small positive constant of the caller
	return int(hi)                           //nolint:gosec // below n
}

// chance is true with probability p (0–1).
func (d *dice) chance(p float32) bool { return d.unit() < p }

// sign returns -1 or 1.
func (d *dice) sign() float32 {
	if d.chance(0.5) {
		return -1
	}
	return 1
}

// fork returns a generator whose stream does not depend on how much of d's was used
// before, so that one more die thrown in a layer leaves the other layers alone.
func (d *dice) fork(name string) *dice { return &dice{mix64(d.state ^ Seed(name))} }
