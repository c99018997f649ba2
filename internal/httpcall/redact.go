package httpcall

import (
	"encoding/base64"
	"net/url"
	"strings"
)

// redacted stands for a secret in what another side said.
const redacted = "[secret]"

// shortestSecret is how many bytes a secret has at least for its copies to be looked
// for: a shorter one would strike out half of what is said.
const shortestSecret = 6

// Redactor replaces these secrets in texts, as they are and as a URL spells them.
func Redactor(secrets ...string) *strings.Replacer {
	var pairs []string
	for _, s := range secrets {
		if len(s) < shortestSecret {
			continue
		}
		pairs = append(pairs, s, redacted)
		for _, spelt := range []string{url.QueryEscape(s), url.PathEscape(s), base64.StdEncoding.EncodeToString([]byte(s))} {
			if spelt != s {
				pairs = append(pairs, spelt, redacted)
			}
		}
	}
	return strings.NewReplacer(pairs...)
}

// redactorOf strikes out what each call of this kind bears.
func redactorOf(c Config, base *url.URL) *strings.Replacer {
	secrets := append([]string{c.Key}, c.Secrets...)
	if base.User != nil {
		password, _ := base.User.Password()
		// As the header has it, and by itself.
		secrets = append(secrets, base.User.Username()+":"+password, password)
	}
	return Redactor(secrets...)
}
