package wire

import "sync/atomic"

// Bounds of what callers without a checked proof have in memory, all of them together.
// What is more than most reports need comes out of a share of its own: few who send
// much cannot keep out the many who send little.
const (
	unprovedSmall = 64 << 10 // bytes of one body that come out of the first share
	unprovedFirst = 24 << 20
	unprovedRest  = 8 << 20
)

// Allowance is memory for bodies that somebody sends who has proved nothing yet.
type Allowance struct{ first, rest share }

// NewAllowance returns the memory for bodies without a checked proof.
func NewAllowance() *Allowance {
	a := &Allowance{}
	a.first.left.Store(unprovedFirst)
	a.rest.left.Store(unprovedRest)
	return a
}

// share is a number of bytes, of which claims take.
type share struct{ left atomic.Int64 }

func (s *share) take(n int64) bool {
	if s.left.Add(-n) >= 0 {
		return true
	}
	s.left.Add(n)
	return false
}

// Claim is what one body has taken. A nil claim may take all it wants.
type Claim struct {
	Of          *Allowance
	first, rest int64
}

// grow asks for the room of a body of n bytes, and reports whether there is any.
func (c *Claim) grow(n int) bool {
	if c == nil {
		return true
	}
	first := min(int64(n), unprovedSmall)
	rest := int64(n) - first
	if more := first - c.first; more > 0 {
		if !c.Of.first.take(more) {
			return false
		}
		c.first = first
	}
	if more := rest - c.rest; more > 0 {
		if !c.Of.rest.take(more) {
			return false
		}
		c.rest = rest
	}
	return true
}

// Free gives back what was taken.
func (c *Claim) Free() {
	if c == nil {
		return
	}
	c.Of.first.left.Add(c.first)
	c.Of.rest.left.Add(c.rest)
	c.first, c.rest = 0, 0
}
