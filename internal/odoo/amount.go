package odoo

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	aigen "github.com/creativeflow/aigen-orchestrator"
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
	text := string(raw)
	if strings.HasPrefix(text, `"`) {
		if err := json.Unmarshal(raw, &text); err != nil {
			return 0, errAmount
		}
	}
	if len(text) > maxAmountLength || !json.Valid([]byte(text)) || !startsNumber(text) {
		return 0, fmt.Errorf("%w: %.70q", errAmount, text)
	}
	plain, ok := withoutExponent(text)
	if !ok {
		return 0, fmt.Errorf("%w: %q", errAmount, text)
	}
	c, err := aigen.ParseCredits(plain)
	if err != nil {
		return 0, fmt.Errorf("%w: %q", errAmount, text)
	}
	return c, nil
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
