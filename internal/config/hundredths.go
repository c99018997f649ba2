package config

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// Hundredths is an amount of credits in integer hundredths: 25 is 0.25 credits.
type Hundredths int64

// decimalAmount has no sign, no exponent, and no bare point, so that every
// accepted text has one meaning.
var decimalAmount = regexp.MustCompile(`^\d{1,12}(\.\d{1,2})?$`)

// String is the amount as the API writes it, with two places.
func (h Hundredths) String() string {
	sign, n := "", int64(h)
	if n < 0 {
		sign, n = "-", -n
	}
	return fmt.Sprintf("%s%d.%02d", sign, n/100, n%100)
}

// parseHundredths reads a decimal amount with at most two places; minimum and
// maximum are in whole credits.
func parseHundredths(raw string, minimum, maximum int) (Hundredths, error) {
	fix := fmt.Sprintf("give one from %d to %d with at most two places, such as 0.25", minimum, maximum)
	if !decimalAmount.MatchString(raw) {
		return 0, problemf("%s is not an amount of credits: %s", shown(raw), fix)
	}
	whole, places, _ := strings.Cut(raw, ".")
	n, err := strconv.ParseInt(whole+(places + "00")[:2], 10, 64)
	if err != nil || n < int64(minimum)*100 || n > int64(maximum)*100 {
		return 0, problemf("%s is out of range: %s", shown(raw), fix)
	}
	return Hundredths(n), nil
}
