package aigen

import (
	"errors"
	"strconv"
	"strings"
)

// Credits is an amount of credits in integer hundredths: 0.25 credits is 25.
// Floats never touch an amount. The range is that of the sums the service can
// meet, ±92 quadrillion credits.
type Credits int64

// MaxCredits bounds an amount that comes from outside (10^12 credits), so that
// no sum of amounts can overflow.
const MaxCredits Credits = 1_000_000_000_000_00

// ErrCredits is returned by ParseCredits.
var ErrCredits = errors.New(`not an amount of credits: want digits with at most two decimal places, such as "0.25"`)

// ParseCredits reads a decimal amount with at most two places ("1", "1.5", "0.25"),
// optionally negative, within ±MaxCredits. Exponents, signs of plus, blanks and
// thousands separators are refused.
func ParseCredits(s string) (Credits, error) {
	digits, negative := strings.CutPrefix(s, "-")
	whole, fraction, pointed := strings.Cut(digits, ".")
	if !isDigits(whole) || len(whole) > 13 || (pointed && (!isDigits(fraction) || len(fraction) > 2)) {
		return 0, ErrCredits
	}
	for len(fraction) < 2 {
		fraction += "0"
	}
	n, err := strconv.ParseInt(whole+fraction, 10, 64)
	if err != nil || Credits(n) > MaxCredits {
		return 0, ErrCredits
	}
	if negative {
		n = -n
	}
	return Credits(n), nil
}

func isDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

// String is the wire form, a decimal with two places: "0.25".
func (c Credits) String() string {
	var b [24]byte
	return string(c.AppendTo(b[:0]))
}

// AppendTo appends the wire form.
func (c Credits) AppendTo(b []byte) []byte {
	magnitude := uint64(c) //nolint:gosec // G115: two's complement is what is wanted, also for the least int64
	if c < 0 {
		b, magnitude = append(b, '-'), -magnitude
	}
	b = strconv.AppendUint(b, magnitude/100, 10)
	return append(b, '.', byte('0'+magnitude%100/10), byte('0'+magnitude%10))
}

// MarshalText writes the wire form, so that JSON shows a string and never a float.
func (c Credits) MarshalText() ([]byte, error) { return c.AppendTo(nil), nil }

// UnmarshalText reads the wire form; the error is ErrCredits.
func (c *Credits) UnmarshalText(text []byte) error {
	parsed, err := ParseCredits(string(text))
	if err != nil {
		return err
	}
	*c = parsed
	return nil
}

// HighResolutionSide is the length of the longer side, in pixels, above which a
// final costs Pricing.FinalHighResolution (contract section 4).
const HighResolutionSide = 2048

// Pricing is what a run costs.
type Pricing struct {
	Sample              Credits // for one sample
	Final               Credits // for a final whose longer side is at most HighResolutionSide
	FinalHighResolution Credits // for a larger one
}

// SamplesRun is the price of a run that makes n samples.
func (p Pricing) SamplesRun(n int) Credits { return p.Sample * Credits(n) }

// FinalRun is the price of a run that makes the final at resolution r.
func (p Pricing) FinalRun(r Resolution) Credits {
	if max(r.Width, r.Height) > HighResolutionSide {
		return p.FinalHighResolution
	}
	return p.Final
}

// ReservationState is where the credits of one run are.
//
//	pending ──► held ──► deducted | refunded
//	   │──────► refused
//	   └──────► releasing ──► refunded | refused
//
// It records what was decided. With a remote credit service the decision is in
// the outbox until the service has confirmed it.
type ReservationState string

// The states of a reservation.
const (
	ReservationPending   ReservationState = "pending"   // asked for, the answer is not known
	ReservationHeld      ReservationState = "held"      // the credits are reserved
	ReservationDeducted  ReservationState = "deducted"  // the run succeeded: the credits are spent
	ReservationRefunded  ReservationState = "refunded"  // the run did not succeed: the credits are free again
	ReservationRefused   ReservationState = "refused"   // never held: the user could not afford it
	ReservationReleasing ReservationState = "releasing" // given up while pending: to be asked for once more and refunded
)

// Ended reports whether the reservation will not change any more.
func (s ReservationState) Ended() bool {
	return s == ReservationDeducted || s == ReservationRefunded || s == ReservationRefused
}

// CreditTotals sums up the reservations of one generation.
// Reserved = Deducted + Refunded + what is still held (the money rule).
type CreditTotals struct {
	Reserved Credits `json:"reserved"` // ever held, over all runs
	Deducted Credits `json:"deducted"`
	Refunded Credits `json:"refunded"`
}

// Held is what is reserved and neither deducted nor refunded yet.
func (t CreditTotals) Held() Credits { return t.Reserved - t.Deducted - t.Refunded }

func (t *CreditTotals) add(r *Run) {
	switch r.Reservation {
	case ReservationHeld:
		t.Reserved += r.Amount
	case ReservationDeducted:
		t.Reserved += r.Amount
		t.Deducted += r.Amount
	case ReservationRefunded:
		t.Reserved += r.Amount
		t.Refunded += r.Amount
	case ReservationPending, ReservationRefused, ReservationReleasing:
		// Not known to have been held: nothing to account for yet.
	}
}
