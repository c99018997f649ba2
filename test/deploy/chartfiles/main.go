// Command chartfiles brings the Helm chart up to date with what it repeats: the alerts,
// the dashboard, and the names of the settings in values.schema.json. `make
// chart-files` runs it; a test says when that was forgotten.
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/creativeflow/aigen/internal/config"
)

const chart = "deploy/helm/aigen/"

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "chartfiles:", err)
		os.Exit(1)
	}
}

func run() error {
	return errors.Join(
		replace("deploy/prometheus/alerts.yaml", chart+"files/alerts.yaml", same),
		replace("deploy/grafana/aigen.json", chart+"files/dashboard.json", same),
		replace(chart+"values.schema.json", chart+"values.schema.json", withSettings),
	)
}

func replace(from, to string, change func([]byte) ([]byte, error)) error {
	data, err := os.ReadFile(from) //nolint:gosec // G304: names in this file
	if err != nil {
		return err
	}
	if data, err = change(data); err != nil {
		return fmt.Errorf("%s: %w", from, err)
	}
	return os.WriteFile(to, data, 0o644) //nolint:gosec // G306: no secret
}

func same(data []byte) ([]byte, error) { return data, nil }

// withSettings puts the settings of today into the schema of the values.
func withSettings(data []byte) ([]byte, error) {
	// As little as is needed of it is understood; the rest stays as it is.
	type node = map[string]any
	var schema node
	if err := json.Unmarshal(data, &schema); err != nil {
		return nil, err
	}
	values, ok := schema["properties"].(node)
	settings, ok2 := values["config"].(node)
	secrets, ok3 := values["secrets"].(node)
	fields, ok4 := secrets["properties"].(node)
	if !ok || !ok2 || !ok3 || !ok4 {
		return nil, errors.New("config and secrets are not where they were")
	}
	plain, all, err := names()
	if err != nil {
		return nil, err
	}
	open, secret := node{}, node{}
	for _, name := range plain {
		open[name] = node{"type": []string{"string", "number", "boolean"}}
	}
	for _, name := range all {
		secret[name] = node{"type": "string", "minLength": 1}
	}
	settings["properties"] = open
	fields["keys"] = node{"type": "array", "uniqueItems": true, "items": node{"enum": all}}
	fields["values"] = node{"type": "object", "additionalProperties": false, "properties": secret}
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	err = e.Encode(schema)
	return out.Bytes(), err
}

// names lists the settings that may stand in a ConfigMap, and all of them. Those that
// the chart sets by itself are left out.
func names() (plain, all []string, err error) {
	c, err := config.Load(config.Options{Environ: []string{}, DotEnvPath: os.DevNull})
	if err != nil {
		return nil, nil, err
	}
	byChart := []string{"LISTEN_ADDR", "DATA_DIR", "SHUTDOWN_TIMEOUT"}
	// URLs that hardly ever come without a password.
	secret := []string{"DATABASE_URL", "RABBITMQ_URL", "REDIS_URL"}
	for _, s := range c.Settings() {
		if slices.Contains(byChart, s.Name) {
			continue
		}
		all = append(all, s.Name)
		if !s.Secret && !slices.Contains(secret, s.Name) {
			plain = append(plain, s.Name)
		}
	}
	return plain, all, nil
}
