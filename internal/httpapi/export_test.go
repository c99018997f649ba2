package httpapi

// ParseEventID is for the fuzz target.
var ParseEventID = parseEventID

// RequestKey and SaneRequestID are for the fuzz targets.
var (
	RequestKey    = requestKey
	SaneRequestID = saneRequestID
)

// RouteOf is a route as tests see it.
type RouteOf struct {
	Method, Path string
	ForUsers     bool // wants a user's token
}

// Routes is the whole table: a test that loops over it cannot forget a new route.
func Routes() (list []RouteOf) {
	for _, rt := range routes() {
		list = append(list, RouteOf{rt.method, rt.path, rt.guard == guardUser})
	}
	return list
}
