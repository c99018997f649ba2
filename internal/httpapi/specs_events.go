package httpapi

import (
	"net/http"
	"reflect"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/sse"
	"github.com/creativeflow/aigen/internal/web"
)

const eventsText = `Each event has its type as ` + "`event`" + `, and as ` + "`data`" + ` the JSON of the schema Event. Events that are kept have an ` + "`id`" + `: hand the last one in as Last-Event-ID to resume. ` + "`progress`" + ` has none. ` + "`server_shutdown`" + ` and ` + "`token_expired`" + ` say why a stream ends from this side. A comment comes where nothing happens.

All events are named: an EventSource hears them with ` + "`addEventListener`" + `, not with ` + "`onmessage`" + `.`

func stream(asJSON reflect.Type) answer {
	return answer{
		status: http.StatusOK, text: "The events, one after the other, each with this schema as its data.",
		media: sse.MediaType, body: reflect.TypeFor[eventView](), asJSON: asJSON,
	}
}

func streamCodes() []aigen.Code {
	return []aigen.Code{codeInvalidEventID, codeNotAcceptable, web.CodeTooManyStreams, web.CodeShuttingDown}
}

func specGenerationEvents() spec {
	over := answer{status: http.StatusNoContent, text: "The generation has ended, and Last-Event-ID is its last event: an EventSource stops."}
	return spec{
		id: "generationEvents", tag: tagEvents, summary: "Follow one generation",
		text:   "What has happened so far, then what happens; ends after the last event. With `Accept: application/json`: what has happened so far as a list. Without `Accept` it is the stream, which a generated client may wait for: name what you want. " + eventsText,
		params: lastEventParams(), answers: []answer{stream(reflect.TypeFor[eventListView]()), over}, codes: append([]aigen.Code{aigen.CodeNotFound}, streamCodes()...),
	}
}

func specUserEvents() spec {
	return spec{
		id: "userEvents", tag: tagEvents, summary: "Follow all of your generations",
		text: "From now on, or after Last-Event-ID. " + eventsText, params: lastEventParams(), answers: []answer{stream(nil)}, codes: streamCodes(),
	}
}
