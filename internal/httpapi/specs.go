package httpapi

import (
	"net/http"
	"reflect"

	"github.com/danielgtaylor/huma/v2"

	"github.com/creativeflow/aigen"
)

// specs describes the routes that are in the document, by method and path.
func specs() map[string]spec {
	all := map[string]spec{}
	for _, group := range []map[string]spec{generationSpecs(), eventSpecs(), assetSpecs(), engineSpecs(), serviceSpecs(), adminSpecs()} {
		for key, s := range group {
			all[key] = s
		}
	}
	return all
}

func generationSpecs() map[string]spec {
	accepted := answer{
		status: http.StatusAccepted, text: "The work has begun.", body: reflect.TypeFor[acceptedView](),
		headers: []string{"Location", "Idempotency-Replayed"},
	}
	one := answer{status: http.StatusOK, text: "The generation.", body: reflect.TypeFor[generationView]()}
	work := []aigen.Code{
		aigen.CodeInsufficientCredits, aigen.CodeIdempotencyConflict, aigen.CodeIdempotencyKeyReused,
		aigen.CodeCreditServiceUnavailable, codeBusy, aigen.CodeQueueFull,
	}
	change := append([]aigen.Code{aigen.CodeNotFound, aigen.CodeInvalidState}, work...)
	withTag, cancelled := one, one
	withTag.headers = []string{"ETag"}
	cancelled.headers = []string{"Idempotency-Replayed"}
	return map[string]spec{
		"POST " + generationsPath: {
			id: "createGeneration", tag: tagGenerations, summary: "Start a generation",
			text:   "Reserves credits and orders samples. Unknown fields are refused, except within inputParameters, whose unknown keys pass through to the engine.",
			params: []*huma.Param{keyParam()}, body: reflect.TypeFor[createBody](), answers: []answer{accepted},
			codes: append([]aigen.Code{aigen.CodeExternalIDTaken}, work...),
		},
		"GET " + generationsPath: {
			id: "listGenerations", tag: tagGenerations, summary: "List your generations, newest first",
			params:  listParams(),
			answers: []answer{{status: http.StatusOK, text: "A page.", body: reflect.TypeFor[pageView]()}},
			codes:   []aigen.Code{aigen.CodeInvalidInput, codeInvalidCursor},
		},
		"GET " + generationPath: {
			id: "getGeneration", tag: tagGenerations, summary: "Read one generation",
			params:  []*huma.Param{ifNoneMatchParam()},
			answers: []answer{withTag, notModified()},
			codes:   []aigen.Code{aigen.CodeNotFound},
		},
		"POST " + selectPath: {
			id: "selectSample", tag: tagGenerations, summary: "Choose a sample and order the final",
			params: []*huma.Param{keyParam()}, body: reflect.TypeFor[selectBody](), answers: []answer{accepted},
			codes: append([]aigen.Code{aigen.CodeUnknownSample}, change...),
		},
		"POST " + regeneratePath: {
			id: "regenerateSamples", tag: tagGenerations, summary: "Order new samples",
			text:   "What is missing stays as it is; inputParameters are replaced as a whole. Without a body: the same once more.",
			params: []*huma.Param{keyParam()}, body: reflect.TypeFor[regenerateBody](), bodyOptional: true,
			answers: []answer{accepted}, codes: change,
		},
		"POST " + cancelPath: {
			id: "cancelGeneration", tag: tagGenerations, summary: "Cancel a generation",
			text: "Refunds what is reserved. A body is not looked at.", dropsBody: true, params: []*huma.Param{keyParam()}, answers: []answer{cancelled},
			codes: []aigen.Code{
				aigen.CodeNotFound, aigen.CodeInvalidState, aigen.CodeInvalidInput,
				aigen.CodeIdempotencyConflict, aigen.CodeIdempotencyKeyReused, codeBusy,
			},
		},
		"POST " + retryPath: {
			id: "retryGeneration", tag: tagGenerations, summary: "Repeat a generation that has ended",
			text: "Starts a new generation with the same input. A body is not looked at.", dropsBody: true, params: []*huma.Param{keyParam()},
			answers: []answer{accepted}, codes: append([]aigen.Code{aigen.CodeInvalidInput}, change...),
		},
		"GET " + creditsPath: {
			id: "getCredits", tag: tagCredits, summary: "Read your balance",
			answers: []answer{{status: http.StatusOK, text: "The account.", body: reflect.TypeFor[balanceView]()}},
			codes:   []aigen.Code{aigen.CodeCreditServiceUnavailable},
		},
	}
}

const eventsText = `Each event has its type as ` + "`event`" + `, and as ` + "`data`" + ` the JSON of the schema Event. Events that are kept have an ` + "`id`" + `: hand the last one in as Last-Event-ID to resume. ` + "`progress`" + ` has none. ` + "`server_shutdown`" + ` and ` + "`token_expired`" + ` say why a stream ends from this side. A comment comes where nothing happens.

All events are named: an EventSource hears them with ` + "`addEventListener`" + `, not with ` + "`onmessage`" + `.`

func eventSpecs() map[string]spec {
	stream := answer{
		status: http.StatusOK, text: "The events, one after the other, each with this schema as its data.", media: eventStream, body: reflect.TypeFor[eventView](),
	}
	withList := stream
	withList.asJSON = reflect.TypeFor[eventListView]()
	over := answer{status: http.StatusNoContent, text: "The generation has ended, and Last-Event-ID is its last event: an EventSource stops."}
	codes := []aigen.Code{codeInvalidEventID, codeNotAcceptable, codeTooManyStreams, codeShuttingDown}
	return map[string]spec{
		"GET " + eventsPath: {
			id: "generationEvents", tag: tagEvents, summary: "Follow one generation",
			text:   "What has happened so far, then what happens; ends after the last event. With `Accept: application/json`: what has happened so far as a list. Without `Accept` it is the stream, which a generated client may wait for: name what you want. " + eventsText,
			params: lastEventParams(), answers: []answer{withList, over}, codes: append([]aigen.Code{aigen.CodeNotFound}, codes...),
		},
		"GET " + userEventsPath: {
			id: "userEvents", tag: tagEvents, summary: "Follow all of your generations",
			text: "From now on, or after Last-Event-ID. " + eventsText, params: lastEventParams(), answers: []answer{stream}, codes: codes,
		},
	}
}

func notModified() answer {
	return answer{status: http.StatusNotModified, text: "You have it already.", headers: []string{"ETag"}}
}

func engineSpecs() map[string]spec {
	return map[string]spec{
		"POST " + callbackPath: {
			id: "n8nCallback", tag: tagEngine, summary: "Report on a job",
			text: "One proof is needed: the job's token, the secret, or a signature. A repeat, whenever it comes, changes nothing. Unknown fields are let through.",
			body: reflect.TypeFor[callbackBody](),
			answers: []answer{{
				status: http.StatusOK, text: "Taken note of; outcome says with what effect.", body: reflect.TypeFor[processedView](),
			}},
			codes: []aigen.Code{
				codeMissingProof, codeInvalidProof, aigen.CodeNotFound, aigen.CodeUnknownJob, aigen.CodeCallbackContradiction, codeBusy, codeDatabaseUnavailable,
			},
			security: []map[string][]string{{schemeJob: {}}, {schemeSecret: {}}, {schemeSignature: {}}},
		},
	}
}

func serviceSpecs() map[string]spec {
	open := []map[string][]string{}
	text := func(id, summary, media string) spec {
		return spec{
			id: id, tag: tagService, summary: summary, security: open,
			answers: []answer{{status: http.StatusOK, text: summary + ".", media: media}},
		}
	}
	document := func(id, summary, media string) spec {
		s := text(id, summary, media)
		s.params, s.answers = []*huma.Param{ifNoneMatchParam()}, append(s.answers, notModified())
		s.answers[0].headers = []string{"ETag"}
		return s
	}
	return map[string]spec{
		"GET " + healthPath: {
			id: "health", tag: tagService, summary: "Is the process alive", security: open,
			answers: []answer{{status: http.StatusOK, text: "It is.", body: reflect.TypeFor[healthView]()}},
		},
		"GET " + readyPath: {
			id: "ready", tag: tagService, summary: "Can the service do its work", security: open,
			answers: []answer{
				{status: http.StatusOK, text: "It can, perhaps degraded.", body: reflect.TypeFor[readyView]()},
				{status: http.StatusServiceUnavailable, text: "It cannot.", body: reflect.TypeFor[readyView]()},
			},
		},
		"GET " + metricsPath:     text("metrics", "Metrics for Prometheus", "text/plain"),
		"GET " + openAPIJSONPath: document("openapiJSON", "This document in JSON", "application/json"),
		"GET " + openAPIYAMLPath: document("openapiYAML", "This document in YAML", "application/yaml"),
		"GET " + docsPath:        document("docs", "This document to read", "text/html"),
	}
}
