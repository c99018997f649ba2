package httpcall

import (
	"encoding/base64"
	"net/url"
	"strings"
)

// struck stands for a secret in what another side said.
const struck = "[secret]"

// shortestSecret is how many bytes a secret has at least for its copies to be looked
// for: a shorter one would strike out half of what is said.
const shortestSecret = 6

// Veil strikes these secrets out of texts, as they are and as a URL spells them.
func Veil(secrets ...string) *strings.Replacer {
	var pairs []string
	for _, s := range secrets {
		if len(s) < shortestSecret {
			continue
		}
		pairs = append(pairs, s, struck)
		for _, spelt := range []string{url.QueryEscape(s), url.PathEscape(s), base64.StdEncoding.EncodeToString([]byte(s))} {
			if spelt != s {
				pairs = append(pairs, spelt, struck)
			}
		}
	}
	return strings.NewReplacer(pairs...)
}

// veilOf strikes out what each call of this kind bears.
func veilOf(c Config, base *url.URL) *strings.Replacer {
	secrets := append([]string{c.Key}, c.Secrets...)
	if base.User != nil {
		password, _ := base.User.Password()
		// As the header has it, and by itself.
		secrets = append(secrets, base.User.Username()+":"+password, password)
	}
	return Veil(secrets...)
}
