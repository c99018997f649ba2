package odoo

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/creativeflow/aigen"
)

// errAmount is returned for what is no amount of credits.
var errAmount = errors.New("not an amount in whole hundredths")

// maxAmountLength bounds the digits that are looked at.
const maxAmountLength = 64

// parseAmount reads an amount as the contract spells it, a decimal string, or as a
// JSON number, which Odoo makes of its floats and Python of some of its decimals
// ("12.50", 12.5, 1250, 1.25E+1). It reads digits and never a float: 0.1+0.2, which
// Python writes as 0.30000000000000004, is no amount and not 0.30.
func parseAmount(raw json.RawMessage) (aigen.Credits, error) {
	plain, err := decimal(raw)
	if err != nil {
		return 0, err
	}
	c, err := aigen.ParseCredits(plain)
	if err != nil {
		return 0, fmt.Errorf("%w: %q", errAmount, plain)
	}
	return c, nil
}

// parseBalance reads an amount that is only shown, and rounds it down to whole
// hundredths. Odoo keeps balances as floats: their sums have noise in the last digits
// (8.000000000000005), and a price of three places leaves 8.125. Nothing is reserved or
// settled by it; rounding down promises no credits that are not there.
func parseBalance(raw json.RawMessage) (aigen.Credits, error) {
	plain, err := decimal(raw)
	if err != nil {
		return 0, err
	}
	whole, fraction, _ := strings.Cut(plain, ".")
	down := aigen.Credits(0)
	if len(fraction) > hundredthPlaces {
		fraction = fraction[:hundredthPlaces]
		if strings.HasPrefix(plain, "-") {
			down = 1 // what was cut off: decimal leaves no zeros at the end
		}
	}
	if fraction == "" {
		fraction = "0"
	}
	c, err := aigen.ParseCredits(whole + "." + fraction)
	if err != nil {
		return 0, fmt.Errorf("%w: %q", errAmount, plain)
	}
	return c - down, nil
}

// hundredthPlaces is how many places an amount has after the point.
const hundredthPlaces = 2

// decimal is the number without an exponent and without zeros at its ends.
func decimal(raw json.RawMessage) (string, error) {
	text := string(raw)
	if strings.HasPrefix(text, `"`) {
		if err := json.Unmarshal(raw, &text); err != nil {
			return "", errAmount
		}
	}
	if len(text) > maxAmountLength || !json.Valid([]byte(text)) || !startsNumber(text) {
		return "", fmt.Errorf("%w: %.70q", errAmount, text)
	}
	plain, ok := withoutExponent(text)
	if !ok {
		return "", fmt.Errorf("%w: %q", errAmount, text)
	}
	return plain, nil
}

// startsNumber tells the numbers of JSON from its other values.
func startsNumber(s string) bool {
	s = strings.TrimPrefix(s, "-")
	return s != "" && s[0] >= '0' && s[0] <= '9'
}

// withoutExponent writes a JSON number with a point and no zeros at its ends. ok is
// false where the exponent is beyond anything that could be an amount.
func withoutExponent(s string) (plain string, ok bool) {
	s, negative := strings.CutPrefix(s, "-")
	exponent := 0
	if i := strings.IndexAny(s, "eE"); i >= 0 {
		n, err := strconv.Atoi(s[i+1:])
		if err != nil || n < -maxAmountLength || n > maxAmountLength {
			return "", false
		}
		s, exponent = s[:i], n
	}
	whole, fraction, _ := strings.Cut(s, ".")
	digits, point := whole+fraction, len(whole)+exponent
	if point < 0 {
		digits, point = strings.Repeat("0", -point)+digits, 0
	}
	if missing := point - len(digits); missing > 0 {
		digits += strings.Repeat("0", missing)
	}
	whole, fraction = strings.TrimLeft(digits[:point], "0"), strings.TrimRight(digits[point:], "0")
	if whole == "" {
		whole = "0"
	}
	if fraction != "" {
		whole += "." + fraction
	}
	if negative {
		whole = "-" + whole
	}
	return whole, true
}
