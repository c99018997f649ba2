package openapi

import (
	"github.com/danielgtaylor/huma/v2"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/httpapi/wire"
)

// The names of the document's tags and security schemes.
const (
	tagGenerations = "Generations"
	tagEvents      = "Events"
	tagCredits     = "Credits"
	tagAssets      = "Assets"
	tagEngine      = "Engine"
	tagService     = "Service"
	TagOperators   = "Operators"

	schemeUser      = "userToken"
	schemeJob       = "jobToken"
	schemeSecret    = "webhookSecret"
	schemeSignature = "webhookSignature"
)

func securitySchemes() map[string]*huma.SecurityScheme {
	return map[string]*huma.SecurityScheme{
		schemeUser:   {Type: "http", Scheme: "bearer", BearerFormat: "JWT", Description: "The user is the claim sub."},
		schemeJob:    {Type: "http", Scheme: "bearer", Description: "callback.token of the job; good for this one job."},
		schemeSecret: {Type: "apiKey", In: "header", Name: "X-N8N-Webhook-Secret", Description: "N8N_CALLBACK_SECRET."},
		schemeSignature: {
			Type: "apiKey", In: "header", Name: "webhook-signature",
			Description: "Standard Webhooks: v1,<base64> over id.timestamp.body, with webhook-id and webhook-timestamp (within 5 minutes).",
		},
	}
}

func header(name string) *huma.Param {
	texts := map[string]string{
		"X-Request-Id":         "The request's id; also in the service's log.",
		"ETag":                 "The state; for If-None-Match.",
		"Location":             "Where the generation can be read.",
		"Retry-After":          "Seconds until another try is worth it.",
		wire.RateHeader:        `Where calls are limited: how many are left (r), and for how many seconds no more (t), as in "default";r=59;t=1.`,
		wire.RatePolicyHeader:  `Where calls are limited: how many (q) in how many seconds (w), as in "default";q=60;w=60.`,
		"Accept-Encoding":      "identity: the body is taken without an encoding.",
		"WWW-Authenticate":     "What is wrong with the token.",
		"Idempotency-Replayed": "true where the answer is that of an earlier request with the same key.",
	}
	return &huma.Param{Description: texts[name], Schema: &huma.Schema{Type: huma.TypeString}}
}

func ifNoneMatchParam() *huma.Param {
	return &huma.Param{
		Name: "If-None-Match", In: "header", Description: "An ETag that you have.", Schema: &huma.Schema{Type: huma.TypeString},
	}
}

// pathParam describes the variable of a path, a UUID unless it is text.
func pathParam(name, description string, text bool) *huma.Param {
	format := "uuid"
	if text {
		format = ""
	}
	return &huma.Param{
		Name: name, In: "path", Required: true, Description: description,
		Schema: &huma.Schema{Type: huma.TypeString, Format: format},
	}
}

func keyParam() *huma.Param {
	low, high := 1, 255
	return &huma.Param{
		Name: "Idempotency-Key", In: "header",
		Description: "Makes a repeat return the first answer, for 24 hours. Visible ASCII.",
		Schema:      &huma.Schema{Type: huma.TypeString, MinLength: &low, MaxLength: &high, Pattern: "^[!-~]+$"},
	}
}

func lastEventParams() []*huma.Param {
	schema := &huma.Schema{Type: huma.TypeString, Pattern: "^[0-9]{1,19}$"}
	return []*huma.Param{
		{Name: "Last-Event-ID", In: "header", Description: "Resume after this event, without gap or repeat.", Schema: schema},
		{Name: "lastEventId", In: "query", Description: "The same, where headers cannot be set.", Schema: schema},
	}
}

func listParams() []*huma.Param {
	low, high := 1.0, float64(wire.MaxLimit)
	text := func() *huma.Schema { return &huma.Schema{Type: huma.TypeString} }
	status := text()
	status.Enum = list(aigen.Statuses())
	project := text()
	project.Format = "uuid"
	batch := text()
	batch.Format = "uuid"
	return []*huma.Param{
		{Name: "status", In: "query", Description: "Only those in this state.", Schema: status},
		{Name: "projectId", In: "query", Description: "Only those of this project.", Schema: project},
		{Name: "externalId", In: "query", Description: "Only the one with this externalId.", Schema: text()},
		{Name: "batchId", In: "query", Description: "Only those of this batch.", Schema: batch},
		{Name: "limit", In: "query", Description: "How many at most. A page of large ones has fewer, and a nextCursor.", Schema: &huma.Schema{
			Type: huma.TypeInteger, Minimum: &low, Maximum: &high, Default: wire.DefaultLimit,
		}},
		{Name: "cursor", In: "query", Description: "nextCursor of the page before.", Schema: text()},
	}
}
