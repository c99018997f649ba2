package config

import (
	"maps"
	"path/filepath"
	"slices"
)

// The files that made secrets are kept in, below DATA_DIR.
const (
	tokenSecretFile    = "jwt.secret"
	callbackSecretFile = "callback.secret"
)

// EnsureSecrets makes the secrets that c lacks, keeps them in dir (normally
// c.Database.DataDir) and puts them into c; at the next start they are read back.
// It makes dir with mode 0700 where it is missing. Any number of processes may
// call it at once: all end with the same secrets.
//
// The error is an *[Error]; what it names was left unset.
func EnsureSecrets(dir string, c *Config) error {
	// A copy, because Config is a value and its copies share this map.
	origins := maps.Clone(c.origins)
	if origins == nil {
		origins = map[string]string{}
	}
	c.origins = origins

	var faults []Fault
	ensure := func(setting, file string, use func(Secret)) {
		path := filepath.Join(dir, file)
		secret, modeless, err := ensureSecret(path)
		if err != nil {
			faults = append(faults, Fault{Setting: setting, Source: "file " + path, Problem: err.Error()})
			return
		}
		use(secret)
		if modeless {
			c.Warnings = append(slices.Clip(c.Warnings), Warning{Setting: setting, Problem: "was made in " + path + ", on a file system that keeps no modes: " +
				"other users of the machine may be able to read it; set it yourself, or keep DATA_DIR elsewhere"})
		}
		origins[setting] = fromGenerated
	}
	if c.NeedsTokenSecret() {
		ensure("JWT_SECRET", tokenSecretFile, func(s Secret) { c.Auth.Secret = s })
	}
	if c.NeedsCallbackSecret() {
		ensure("N8N_CALLBACK_SECRET", callbackSecretFile, func(s Secret) { c.Callback.Secrets = []Secret{s} })
	}
	return asError(faults)
}
