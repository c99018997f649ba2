package config

import (
	"os"
	"strings"
)

// Sources of a value, as [Setting] and [Fault] name them. A value from the .env
// file has that file's path as its source, one from a NAME_FILE "file /path".
const (
	fromEnvironment = "environment"
	fromDefault     = "default"
	fromGenerated   = "generated"
)

// Options are where Load looks. The zero value is the real program's: the process
// environment, and .env in the working directory.
type Options struct {
	// Environ is the environment as NAME=value. Nil means os.Environ(); tests
	// give their own, empty but not nil where nothing is to be set.
	Environ []string
	// DotEnvPath defaults to .env. A file that is missing is fine.
	DotEnvPath string
	// ReadFile reads the .env file and every NAME_FILE. Nil reads the file
	// system, at most 1 MiB a file.
	ReadFile func(path string) ([]byte, error)

	readDotEnv func(path string) ([]byte, error) // ReadFile, or what also looks at the owner
}

func (o Options) withDefaults() Options {
	if o.Environ == nil {
		o.Environ = os.Environ()
	}
	if o.DotEnvPath == "" {
		o.DotEnvPath = ".env"
	}
	o.readDotEnv = o.ReadFile
	if o.ReadFile == nil {
		o.ReadFile, o.readDotEnv = readLimited, readOwn
	}
	return o
}

// Load reads and checks every setting. It writes nothing: secrets that are not
// set are made by [EnsureSecrets].
//
// The error is an *[Error] with everything that is wrong. The Config beside it
// then holds what could be read, with defaults for the rest; it is good for
// showing (`aigen doctor`), not for starting. Checks across settings are left out
// while the .env file cannot be read, since what they would miss may be in it.
func Load(o Options) (Config, error) {
	o = o.withDefaults()
	l := &loader{options: o, origins: map[string]string{}}
	l.layers = append(l.layers, layer{name: fromEnvironment, values: environMap(o.Environ)})
	dotenv, readable := l.readDotEnv()
	l.layers = append(l.layers, layer{name: o.DotEnvPath, values: dotenv})

	var c Config
	for _, f := range fieldsOf(&c) {
		l.load(f)
	}
	if readable {
		l.checkTypos(&c, dotenv)
		l.crossCheck(&c)
	}
	c.Warnings, c.origins = l.warnings, l.origins
	return c, asError(l.faults)
}

// loader carries what one Load collects.
type loader struct {
	options  Options
	layers   []layer // first wins
	origins  map[string]string
	faults   []Fault
	warnings []Warning
}

func (l *loader) fault(setting, source, text string) {
	l.faults = append(l.faults, Fault{Setting: setting, Source: source, Problem: text})
}

func (l *loader) warn(setting, text string) {
	source := l.origins[setting]
	if source == fromDefault {
		source = "" // the warning is about its absence
	}
	l.warnings = append(l.warnings, Warning{Setting: setting, Source: source, Problem: text})
}

// given says that a setting was set, rightly or wrongly.
func (l *loader) given(name string) bool { return l.origins[name] != fromDefault }

// load sets one field: its default first, so that a faulty value leaves something
// sane behind, then what the layers say.
func (l *loader) load(f field) {
	l.origins[f.name] = fromDefault
	if text := f.defaultText(); text != "" {
		if err := f.set(text); err != nil {
			l.fault(f.name, fromDefault, err.Error())
		}
	}
	v, found := l.lookup(f.name)
	if !found {
		return
	}
	l.origins[f.name] = v.source
	if v.fault != "" {
		l.fault(f.name, v.source, v.fault)
		return
	}
	raw := v.raw
	if !f.secret() {
		raw = strings.TrimSpace(raw)
	}
	if err := f.check(raw); err != nil {
		l.fault(f.name, v.source, err.Error())
		return
	}
	if err := f.set(raw); err != nil {
		l.fault(f.name, v.source, err.Error())
	}
}

// check is what holds for the text of every setting, whatever its type.
func (f field) check(raw string) error {
	if strings.TrimSpace(raw) == "" {
		return problem("is only white space: give a value, or leave the setting out")
	}
	if f.tag.Get("multiline") == "" && hasControl(raw) {
		return problem("has a line break or another character that is no text: look for a quote that is not closed, and encode binary secrets (base64)")
	}
	if quote, is := quoted(raw); is {
		return problemf("begins and ends with %s, which `docker run --env-file` and Kubernetes keep as part of the value: remove the two quotes "+
			"(a value that needs them cannot be given)", quote)
	}
	// Other settings were trimmed. In a secret it is not clear whether the space
	// was meant, and in an HTTP header it would be lost.
	if raw != strings.TrimSpace(raw) {
		return problem("begins or ends with white space: remove it, here and at the other side")
	}
	return nil
}

// quoted reports whether a value stands in quotes. Those of the .env file were taken
// off. To take these off too would change a secret that has them on the other side; to
// keep them breaks each URL and name.
func quoted(raw string) (quote string, is bool) {
	raw = strings.TrimSpace(raw)
	if len(raw) < 2 || raw[0] != raw[len(raw)-1] || (raw[0] != '"' && raw[0] != '\'') {
		return "", false
	}
	return raw[:1], true
}
