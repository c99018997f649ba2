package main

import (
	"encoding/json"
	"errors"
	"maps"
	"os"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

const (
	definitionPrefix = "#/definitions/"
	// A quantity such as 500m or 2: the document says text only, YAML has numbers too.
	quantity = "io.k8s.apimachinery.pkg.api.resource.Quantity"
)

// fromSwagger reads Kubernetes' own kinds.
func fromSwagger(path string) (kinds []kind, err error) {
	data, err := os.ReadFile(path) //nolint:gosec // G304: the path is the argument
	if err != nil {
		return nil, err
	}
	var document struct{ Definitions map[string]object }
	if err := json.Unmarshal(data, &document); err != nil {
		return nil, err
	}
	document.Definitions[quantity] = object{"type": []string{"string", "number"}}
	ids := map[string][]struct{ Group, Version, Kind string }{}
	for name, definition := range document.Definitions {
		if raw, ok := definition["x-kubernetes-group-version-kind"]; ok {
			if ids[name], err = convert(raw, ids[name]); err != nil {
				return nil, err
			}
		}
		document.Definitions[name], _ = strict(definition).(object)
	}
	for _, name := range slices.Sorted(maps.Keys(ids)) {
		if len(ids[name]) != 1 {
			continue // what belongs to every group, such as DeleteOptions, is no manifest
		}
		id := ids[name][0]
		used := map[string]object{}
		collect(document.Definitions, name, used)
		kinds = append(kinds, kind{id.Group, id.Version, id.Kind, object{"$ref": definitionPrefix + name, "definitions": used}})
	}
	if len(kinds) == 0 {
		return nil, errors.New("no kinds in it")
	}
	return kinds, nil
}

// convert reads a value of one JSON form into another.
func convert[T any](raw any, into T) (T, error) {
	data, err := json.Marshal(raw)
	if err != nil {
		return into, err
	}
	return into, json.Unmarshal(data, &into)
}

// collect gathers a definition and what it refers to. Some refer to themselves.
func collect(all map[string]object, name string, used map[string]object) {
	if _, ok := used[name]; ok {
		return
	}
	used[name] = all[name]
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case []any:
			for _, item := range v {
				walk(item)
			}
		case object:
			if ref, ok := v["$ref"].(string); ok {
				collect(all, strings.TrimPrefix(ref, definitionPrefix), used)
			}
			for _, item := range v {
				walk(item)
			}
		}
	}
	walk(all[name])
}

// fromCRD reads the versions of a CustomResourceDefinition.
func fromCRD(path string) (kinds []kind, err error) {
	data, err := os.ReadFile(path) //nolint:gosec // G304: the path is the argument
	if err != nil {
		return nil, err
	}
	var crd struct {
		Spec struct {
			Group    string
			Names    struct{ Kind string }
			Versions []struct {
				Name   string
				Schema struct {
					OpenAPI object `yaml:"openAPIV3Schema"`
				}
			}
		}
	}
	if err := yaml.Unmarshal(data, &crd); err != nil {
		return nil, err
	}
	for _, v := range crd.Spec.Versions {
		schema, _ := strict(v.Schema.OpenAPI).(object)
		kinds = append(kinds, kind{crd.Spec.Group, v.Name, crd.Spec.Names.Kind, schema})
	}
	if len(kinds) == 0 {
		return nil, errors.New("no CustomResourceDefinition")
	}
	return kinds, nil
}
