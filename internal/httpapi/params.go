package httpapi

import "github.com/danielgtaylor/huma/v2"

func wordParam[T ~string](name, text string, words []T) *huma.Param {
	return &huma.Param{Name: name, In: "query", Description: text, Schema: &huma.Schema{Type: huma.TypeString, Enum: list(words)}}
}

func uuidParam(name, text string) *huma.Param {
	return &huma.Param{Name: name, In: "query", Description: text, Schema: &huma.Schema{Type: huma.TypeString, Format: "uuid"}}
}

func timeParam(name, text string) *huma.Param {
	return &huma.Param{Name: name, In: "query", Description: text, Schema: &huma.Schema{Type: huma.TypeString, Format: "date-time"}}
}

// pageParams are the last two of every list.
func pageParams() []*huma.Param { return listParams()[2:] }
