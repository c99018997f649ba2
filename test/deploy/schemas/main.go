// Command schemas writes the JSON schemas that kubeconform checks manifests by, one a
// kind, without a download of its own: from the OpenAPI document in the Go module
// k8s.io/kubernetes, and from the CustomResourceDefinitions in the module of the
// Prometheus operator. They are strict: a field that Kubernetes does not know is an
// error, and not dropped in silence as by an API server.
//
//	schemas OUT SWAGGER.json CRD.yaml…
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

type object = map[string]any

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "schemas:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) < 2 {
		return errors.New("usage: schemas OUT SWAGGER.json CRD.yaml…")
	}
	out := args[0]
	if err := os.MkdirAll(out, 0o755); err != nil { //nolint:gosec // G301: schemas are for everybody
		return err
	}
	kinds, err := fromSwagger(args[1])
	if err != nil {
		return fmt.Errorf("%s: %w", args[1], err)
	}
	for _, path := range args[2:] {
		more, err := fromCRD(path)
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		kinds = append(kinds, more...)
	}
	for _, k := range kinds {
		if err := k.write(out); err != nil {
			return err
		}
	}
	fmt.Printf("%d kinds\n", len(kinds))
	return nil
}

// kind is one kind of manifest in one version.
type kind struct {
	group, version, name string
	schema               object
}

// file is the name that kubeconform's {{.ResourceKind}}{{.KindSuffix}} becomes.
func (k kind) file() string {
	group, _, _ := strings.Cut(k.group, ".")
	parts := []string{k.name, group, k.version}
	if group == "" {
		parts = []string{k.name, k.version}
	}
	return strings.ToLower(strings.Join(parts, "-")) + ".json"
}

// write also holds apiVersion and kind to what they must be: a schema is found by
// them, so that they are there.
func (k kind) write(folder string) error {
	apiVersion := k.version
	if k.group != "" {
		apiVersion = k.group + "/" + k.version
	}
	whole := object{"allOf": []any{k.schema, object{
		"required": []string{"apiVersion", "kind"},
		"properties": object{
			"apiVersion": object{"enum": []string{apiVersion}}, "kind": object{"enum": []string{k.name}},
		},
	}}}
	if definitions, ok := k.schema["definitions"]; ok {
		whole["definitions"] = definitions
		delete(k.schema, "definitions")
	}
	data, err := json.Marshal(whole)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(folder, k.file()), data, 0o644) //nolint:gosec // G306: schemas are for everybody
}

// strict makes unknown fields an error, all the way down, and lets what may be a
// number or a text be both.
func strict(v any) any {
	switch v := v.(type) {
	case []any:
		for i := range v {
			v[i] = strict(v[i])
		}
	case object:
		if v["format"] == "int-or-string" {
			return object{"type": []string{"string", "integer"}}
		}
		_, fields := v["properties"].(object)
		_, more := v["additionalProperties"]
		if fields && !more && v["x-kubernetes-preserve-unknown-fields"] == nil {
			v["additionalProperties"] = false
		}
		for name := range v {
			v[name] = strict(v[name])
		}
	}
	return v
}
