// Package sse writes and reads server-sent events (WHATWG HTML, section 9.2).
package sse

// MediaType is the content type of a stream of events.
const MediaType = "text/event-stream"
