package console

const eventStream = "text/event-stream"
