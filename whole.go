package aigen

import (
	"strconv"
	"strings"
)

// WholeNumber reads a number of JSON that is whole, however it is spelt: 4, 4.0, 4e0 and
// 40e-1 are the same number, and JSON Schema calls each an integer. ok is false for
// anything else, and for a number of more than 18 digits.
func WholeNumber(text string) (n int64, ok bool) {
	digits, negative := strings.CutPrefix(text, "-")
	digits, exponent, hasExponent := cutAny(digits, "eE")
	whole, fraction, hasPoint := strings.Cut(digits, ".")
	if !isDigits(whole) || len(whole) > 1 && whole[0] == '0' || hasPoint && !isDigits(fraction) {
		return 0, false
	}
	power := 0
	if hasExponent {
		if power, ok = smallExponent(exponent); !ok {
			return 0, false
		}
	}
	// digits * 10^power
	digits, power = strings.TrimLeft(whole+fraction, "0"), power-len(fraction)
	trimmed := strings.TrimRight(digits, "0")
	power += len(digits) - len(trimmed)
	const most = 18 // digits that an int64 holds in any case
	switch {
	case trimmed == "":
		return 0, true
	case power < 0 || len(trimmed)+power > most:
		return 0, false
	}
	n, err := strconv.ParseInt(trimmed+strings.Repeat("0", power), 10, 64)
	if negative {
		n = -n
	}
	return n, err == nil
}

// cutAny is strings.Cut around the first of some characters.
func cutAny(s, chars string) (before, after string, found bool) {
	if i := strings.IndexAny(s, chars); i >= 0 {
		return s[:i], s[i+1:], true
	}
	return s, "", false
}

// smallExponent reads an exponent. One of more than three digits makes no number that
// anybody means.
func smallExponent(s string) (int, bool) {
	digits := strings.TrimPrefix(strings.TrimPrefix(s, "+"), "-")
	if !isDigits(digits) || len(s)-len(digits) > 1 || len(digits) > 3 {
		return 0, false
	}
	n, err := strconv.Atoi(strings.TrimPrefix(s, "+"))
	return n, err == nil
}
