package openapi

import (
	"net/http"
	"reflect"

	"github.com/danielgtaylor/huma/v2"

	"github.com/creativeflow/aigen/internal/httpapi/wire"
)

// everybody is the security of a route that needs no proof.
func everybody() []map[string][]string { return []map[string][]string{} }

func textSpec(id, summary, media string) Operation {
	return Operation{
		ID: id, Tag: tagService, Summary: summary, security: everybody(),
		Answers: []Answer{{Status: http.StatusOK, Text: summary + ".", media: media}},
	}
}

func documentSpec(id, summary, media string) Operation {
	s := textSpec(id, summary, media)
	s.Params, s.Answers = []*huma.Param{ifNoneMatchParam()}, append(s.Answers, notModified())
	s.Answers[0].headers = []string{"ETag"}
	return s
}

// Metrics describes GET /metrics.
func Metrics() Operation { return textSpec("metrics", "Metrics for Prometheus", "text/plain") }

// JSON describes GET /openapi.json.
func JSON() Operation {
	return documentSpec("openapiJSON", "This document in JSON", "application/json")
}

// YAML describes GET /openapi.yaml.
func YAML() Operation {
	return documentSpec("openapiYAML", "This document in YAML", "application/yaml")
}

// Docs describes GET /docs.
func Docs() Operation { return documentSpec("docs", "This document to read", "text/html") }

// Health describes GET /healthz.
func Health() Operation {
	return Operation{
		ID: "health", Tag: tagService, Summary: "Is the process alive", security: everybody(),
		Answers: []Answer{{Status: http.StatusOK, Text: "It is.", Body: reflect.TypeFor[wire.HealthView]()}},
	}
}

// Ready describes GET /readyz.
func Ready() Operation {
	return Operation{
		ID: "ready", Tag: tagService, Summary: "Can the service do its work", security: everybody(),
		Answers: []Answer{
			{Status: http.StatusOK, Text: "It can, perhaps degraded.", Body: reflect.TypeFor[wire.ReadyView]()},
			{Status: http.StatusServiceUnavailable, Text: "It cannot.", Body: reflect.TypeFor[wire.ReadyView]()},
		},
	}
}
