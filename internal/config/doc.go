// Package config reads, checks and describes the settings of the orchestrator.
//
// Every setting is one field of [Config] with its name, default, bounds and
// meaning in struct tags. Load, [Config.Settings], docs/configuration.md and the
// search for misspelt names all walk those same fields, so a setting cannot be
// read without being documented, or documented without being read.
//
// A value comes from the environment, else from the .env file, else from the
// default; in either of the first two, NAME_FILE names a file that holds it. An
// empty value counts as not set, because that is what `NAME=` in a compose file
// means to those who write it.
//
// The walk is written here and not left to github.com/caarlos0/env for three
// reasons, each about what a person reads when the start fails: that package
// names the Go field and not the setting, does not know which layer a value came
// from, and wraps parser errors that quote the value, which may be a password.
// Bounds are also per setting, and its parsers are per type.
//
// The tags: env (name), default, defaultFrom (a default known only at run time),
// min and max (bounds; of a string, its length in bytes), oneof (words), schemes
// (of a URL), base (a URL that paths are appended to; "query": it may have a query, which
// stays behind them), endpoint (the path that is appended), check (a named check of a
// string), multiline, empty (what an unset value means) and doc.
package config

//go:generate go run ./gendoc -out ../../docs/configuration.md
