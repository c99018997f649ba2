package config

import (
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
)

// set parses raw into the field, which keeps what it held where raw is faulty. The
// error is a problem for a Fault; it repeats raw only where raw cannot be a secret.
func (f field) set(raw string) (err error) {
	before := reflect.ValueOf(f.value.Interface())
	defer func() {
		if err != nil {
			f.value.Set(before)
		}
	}()
	switch target := f.value.Addr().Interface().(type) {
	case *string:
		*target, err = f.parseString(raw)
	case *Secret:
		*target, err = parseSecret(raw, f.bound("min"), f.bound("max"))
	case *[]Secret:
		*target, err = parseSecrets(raw, f.bound("min"), f.bound("max"))
	case *URL:
		*target, err = f.parseURL(raw)
	case *[]string:
		if f.tag.Get("check") == "sources" {
			*target, err = parseSources(raw)
		} else {
			*target, err = parseOrigins(raw)
		}
	case *bool:
		*target, err = parseBool(raw)
	case *int:
		*target, err = parseInt(raw, f.bound("min"), f.bound("max"))
	case *Hundredths:
		*target, err = parseHundredths(raw, f.bound("min"), f.bound("max"))
	case *time.Duration:
		*target, err = parseDuration(raw, f.tag.Get("min"), f.tag.Get("max"))
	default:
		err = problemf("has a type that this package does not read: %s", f.value.Type())
	}
	return err
}

// bound is a numeric tag, 0 where there is none. A test checks that they parse.
func (f field) bound(tag string) int {
	n, _ := strconv.Atoi(f.tag.Get(tag))
	return n
}

func (f field) parseString(raw string) (string, error) {
	if words := strings.Fields(f.tag.Get("oneof")); len(words) > 0 {
		if lower := strings.ToLower(raw); slices.Contains(words, lower) {
			return lower, nil
		}
		return "", problemf("%s is not known: give one of %s", shown(raw), strings.Join(words, ", "))
	}
	if most := f.bound("max"); most > 0 && len(raw) > most {
		return "", problemf("is longer than %d bytes: shorten it", most)
	}
	switch f.tag.Get("check") {
	case "hostport":
		return parseHostPort(raw)
	case "queue":
		return parseQueue(raw)
	case "publickey":
		return parsePublicKey(raw)
	case "certificates":
		return parseCertificates(raw)
	}
	return raw, nil
}

// parseSecret bounds the length in bytes; it never repeats the value.
func parseSecret(raw string, least, most int) (Secret, error) {
	if len(raw) < least {
		return "", problemf("is shorter than %d bytes: make a longer one, such as with `openssl rand -base64 32`", least)
	}
	if len(raw) > most {
		return "", problemf("is longer than %d bytes: shorten it", most)
	}
	return Secret(raw), nil
}

// parseSecrets reads a comma-separated list; every entry is bounded.
func parseSecrets(raw string, least, most int) ([]Secret, error) {
	var out []Secret
	for part := range strings.SplitSeq(raw, ",") {
		part = strings.TrimSpace(part)
		if part == "" {
			return nil, problem("has an empty entry: separate the secrets with single commas")
		}
		s, err := parseSecret(part, least, most)
		if err != nil {
			return nil, problemf("entry %d %s", len(out)+1, err)
		}
		out = append(out, s)
	}
	return out, nil
}

func parseBool(raw string) (bool, error) {
	switch strings.ToLower(raw) {
	case "true", "1", "yes", "on":
		return true, nil
	case "false", "0", "no", "off":
		return false, nil
	}
	return false, problemf("%s is neither true nor false: give one of them", shown(raw))
}

func parseInt(raw string, least, most int) (int, error) {
	n, err := strconv.Atoi(raw)
	if err != nil || n < least || n > most {
		return 0, problemf("%s is not a whole number in range: give one from %d to %d", shown(raw), least, most)
	}
	return n, nil
}

// parseDuration reads Go's syntax (90s, 5m, 720h). Bounds are in the same.
func parseDuration(raw, low, high string) (time.Duration, error) {
	least, errLow := time.ParseDuration(low)
	most, errHigh := time.ParseDuration(high)
	if errLow != nil || errHigh != nil {
		return 0, problem("has bounds that do not parse") // a test checks the tags
	}
	d, err := time.ParseDuration(raw)
	if err != nil {
		return 0, problemf("%s is not a duration: give a number with a unit, such as 30s, 5m or 1h30m", shown(raw))
	}
	if d < least || d > most {
		return 0, problemf("%s is out of range: give a duration from %s to %s", shown(raw), low, high)
	}
	return d, nil
}
