package config

import "strings"

const referenceIntro = `<!-- Made by go generate ./internal/config from the struct tags in internal/config/config.go. Change those. -->

# Configuration

Settings come from the environment, else from a ` + "`.env`" + ` file in the working directory, else from the default. ` +
	"An empty value counts as not set. All of them are checked at the start, and everything that is wrong is named at once. " +
	"`aigen doctor` shows what is set, where it comes from, and what is embedded.\n\n" +
	"- **From a file**: `NAME_FILE=/path` reads any setting `NAME` from a file, without its last line break. Setting both in one place is an error.\n" +
	"- **Secrets** are never printed. In a URL, its credentials are masked.\n" +
	"- **In `.env`**, put values with `$` or `#` in single quotes: `$NAME` is replaced otherwise.\n" +
	"- **Durations** are numbers with a unit: `500ms`, `30s`, `5m`, `1h30m`.\n" +
	"- **Credits** are decimal numbers with at most two places: `0.25`.\n" +
	"- At most one of `JWT_SECRET`, `JWT_PUBLIC_KEY` and `JWT_JWKS_URL` may be set. Without any of them, or without `N8N_CALLBACK_SECRET`, a secret is made and kept in `DATA_DIR` (mode 0600), and the service refuses to listen on anything but loopback.\n"

// inTable keeps a cell from ending early or being read as HTML.
var inTable = strings.NewReplacer("|", `\|`, "<", `\<`)

// Reference is docs/configuration.md: every setting in Markdown.
func Reference() string {
	var b strings.Builder
	b.WriteString(referenceIntro)
	group := ""
	var c Config
	for _, f := range fieldsOf(&c) {
		if f.group != group {
			group = f.group
			b.WriteString("\n## " + group + "\n\n| Name | Default | Meaning | Secret |\n| --- | --- | --- | --- |\n")
		}
		cells := []string{"`" + f.name + "`", f.defaultCell(), f.doc(), f.secretCell()}
		for i, cell := range cells {
			cells[i] = inTable.Replace(cell)
		}
		b.WriteString("| " + strings.Join(cells, " | ") + " |\n")
	}
	return b.String()
}

// defaultCell must not depend on the machine that the docs are made on.
func (f field) defaultCell() string {
	if f.tag.Get("defaultFrom") == "cores" {
		return "number of cores"
	}
	if text := f.tag.Get("default"); text != "" {
		return "`" + text + "`"
	}
	return ""
}

func (f field) secretCell() string {
	if f.secret() {
		return "yes"
	}
	if _, isURL := f.value.Interface().(URL); isURL {
		return "credentials in it"
	}
	return ""
}
