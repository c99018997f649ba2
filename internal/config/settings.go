package config

import (
	"fmt"
	"strings"
	"time"

	"github.com/creativeflow/aigen/internal/runtimeinfo"
)

// Setting is one setting as `aigen doctor` shows it.
type Setting struct {
	runtimeinfo.Setting

	Secret bool `json:"secret"` // the whole value is a secret
}

// Settings lists every setting, in the order of docs/configuration.md.
func (c Config) Settings() []Setting {
	fields := fieldsOf(&c)
	out := make([]Setting, len(fields))
	for i, f := range fields {
		source := c.origins[f.name]
		if source == "" {
			source = fromDefault // a Config that did not come from Load
		}
		out[i] = Setting{
			Setting: runtimeinfo.Setting{Group: f.group, Name: f.name, Value: f.show(), Source: source, Doc: f.doc()},
			Secret:  f.secret(),
		}
	}
	return out
}

// show is the value as it could be written in the environment, masked.
func (f field) show() string {
	switch v := f.value.Interface().(type) {
	case []Secret:
		shown := make([]string, len(v))
		for i, s := range v {
			shown[i] = s.String()
		}
		return strings.Join(shown, ",")
	case []string:
		return strings.Join(v, ",")
	case time.Duration:
		return showDuration(v)
	case string:
		if f.tag.Get("check") == "certificates" {
			return showCertificates(v)
		}
		return strings.ReplaceAll(strings.TrimSpace(v), "\n", `\n`)
	default:
		return fmt.Sprint(v)
	}
}

// showDuration is 5m and 720h where time.Duration says 5m0s and 720h0m0s.
func showDuration(d time.Duration) string {
	s := d.String()
	if short, ok := strings.CutSuffix(s, "m0s"); ok {
		s = short + "m"
	}
	if short, ok := strings.CutSuffix(s, "h0m"); ok {
		s = short + "h"
	}
	return s
}
