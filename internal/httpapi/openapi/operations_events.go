package openapi

import (
	"net/http"
	"reflect"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/httpapi/wire"
	"github.com/creativeflow/aigen/internal/sse"
	"github.com/creativeflow/aigen/internal/web"
)

const eventsText = `Each event has its type as ` + "`event`" + `, and as ` + "`data`" + ` the JSON of the schema Event. Events that are kept have an ` + "`id`" + `: hand the last one in as Last-Event-ID to resume. ` + "`progress`" + ` has none. ` + "`server_shutdown`" + ` and ` + "`token_expired`" + ` say why a stream ends from this side. A comment comes where nothing happens.

All events are named: an EventSource hears them with ` + "`addEventListener`" + `, not with ` + "`onmessage`" + `.`

func stream(asJSON reflect.Type) Answer {
	return Answer{
		Status: http.StatusOK, Text: "The events, one after the other, each with this schema as its data.",
		media: sse.MediaType, Body: reflect.TypeFor[wire.EventView](), asJSON: asJSON,
	}
}

func streamCodes() []aigen.Code {
	return []aigen.Code{wire.CodeInvalidEventID, wire.CodeNotAcceptable, web.CodeTooManyStreams, web.CodeShuttingDown}
}

// GenerationEvents describes GET /api/v1/generations/{id}/events.
func GenerationEvents() Operation {
	over := Answer{Status: http.StatusNoContent, Text: "The generation has ended, and Last-Event-ID is its last event: an EventSource stops."}
	return Operation{
		ID: "generationEvents", Tag: tagEvents, Summary: "Follow one generation",
		Text:   "What has happened so far, then what happens; ends after the last event. With `Accept: application/json`: what has happened so far as a list. Without `Accept` it is the stream, which a generated client may wait for: name what you want. " + eventsText,
		Params: lastEventParams(), Answers: []Answer{stream(reflect.TypeFor[wire.EventListView]()), over}, Codes: append([]aigen.Code{aigen.CodeNotFound}, streamCodes()...),
	}
}

// UserEvents describes GET /api/v1/events.
func UserEvents() Operation {
	return Operation{
		ID: "userEvents", Tag: tagEvents, Summary: "Follow all of your generations",
		Text: "From now on, or after Last-Event-ID. " + eventsText, Params: lastEventParams(), Answers: []Answer{stream(nil)}, Codes: streamCodes(),
	}
}
