package httpapi

// ParseEventID is for the fuzz target.
var ParseEventID = parseEventID

// AdminRoute is a route that operators alone may call.
type AdminRoute struct{ Method, Path string }

// AdminRoutes lists them, from the table.
func AdminRoutes() (list []AdminRoute) {
	for _, rt := range routes() {
		if rt.guard == guardOperator {
			list = append(list, AdminRoute{rt.method, rt.path})
		}
	}
	return list
}

// RequestKey and SaneRequestID are for the fuzz targets.
var (
	RequestKey    = requestKey
	SaneRequestID = saneRequestID
)

// RouteOf is a route as tests see it.
type RouteOf struct {
	Method, Path string
	ForUsers     bool // wants a user's token
	ForOperators bool // which has the role of an operator
}

// Routes is the whole table: a test that loops over it cannot forget a new route.
func Routes() (list []RouteOf) {
	for _, rt := range routes() {
		list = append(list, RouteOf{rt.method, rt.path, rt.guard != guardNone, rt.guard == guardOperator})
	}
	return list
}
