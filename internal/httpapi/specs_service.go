package httpapi

import (
	"net/http"
	"reflect"

	"github.com/danielgtaylor/huma/v2"
)

// everybody is the security of a route that needs no proof.
func everybody() []map[string][]string { return []map[string][]string{} }

func textSpec(id, summary, media string) spec {
	return spec{
		id: id, tag: tagService, summary: summary, security: everybody(),
		answers: []answer{{status: http.StatusOK, text: summary + ".", media: media}},
	}
}

func documentSpec(id, summary, media string) spec {
	s := textSpec(id, summary, media)
	s.params, s.answers = []*huma.Param{ifNoneMatchParam()}, append(s.answers, notModified())
	s.answers[0].headers = []string{"ETag"}
	return s
}

func specMetrics() spec { return textSpec("metrics", "Metrics for Prometheus", "text/plain") }

func specOpenapiJSON() spec {
	return documentSpec("openapiJSON", "This document in JSON", "application/json")
}

func specOpenapiYAML() spec {
	return documentSpec("openapiYAML", "This document in YAML", "application/yaml")
}

func specDocs() spec { return documentSpec("docs", "This document to read", "text/html") }

func specHealth() spec {
	return spec{
		id: "health", tag: tagService, summary: "Is the process alive", security: everybody(),
		answers: []answer{{status: http.StatusOK, text: "It is.", body: reflect.TypeFor[healthView]()}},
	}
}

func specReady() spec {
	return spec{
		id: "ready", tag: tagService, summary: "Can the service do its work", security: everybody(),
		answers: []answer{
			{status: http.StatusOK, text: "It can, perhaps degraded.", body: reflect.TypeFor[readyView]()},
			{status: http.StatusServiceUnavailable, text: "It cannot.", body: reflect.TypeFor[readyView]()},
		},
	}
}
