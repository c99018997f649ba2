package httpapi

// ParseEventID is for the fuzz target.
var ParseEventID = parseEventID
