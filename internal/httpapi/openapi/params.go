package openapi

import "github.com/danielgtaylor/huma/v2"

// WordParam describes a parameter of the query that is one of a few words.
func WordParam[T ~string](name, text string, words []T) *huma.Param {
	return &huma.Param{Name: name, In: "query", Description: text, Schema: &huma.Schema{Type: huma.TypeString, Enum: list(words)}}
}

// UUIDParam describes a parameter of the query that is a UUID.
func UUIDParam(name, text string) *huma.Param {
	return &huma.Param{Name: name, In: "query", Description: text, Schema: &huma.Schema{Type: huma.TypeString, Format: "uuid"}}
}

// TimeParam describes a parameter of the query that is a time (RFC 3339).
func TimeParam(name, text string) *huma.Param {
	return &huma.Param{Name: name, In: "query", Description: text, Schema: &huma.Schema{Type: huma.TypeString, Format: "date-time"}}
}

// PageParams are the last two of every list.
func PageParams() []*huma.Param { return listParams()[2:] }
