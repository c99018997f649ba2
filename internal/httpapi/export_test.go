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
