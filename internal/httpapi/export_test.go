package httpapi

import (
	"github.com/creativeflow/aigen/internal/app"
	"github.com/creativeflow/aigen/internal/httpapi/wire"
	"github.com/creativeflow/aigen/internal/web"
)

// ParseEventID is for the fuzz target.
var ParseEventID = parseEventID

// AdminRoute is a route that operators alone may call.
type AdminRoute struct{ Method, Path string }

// AdminRoutes lists them, from the table.
func AdminRoutes() (list []AdminRoute) {
	for _, rt := range routes() {
		if rt.guard == web.GuardOperator {
			list = append(list, AdminRoute{rt.method, rt.path})
		}
	}
	return list
}

// RequestKey and SaneRequestID are for the fuzz targets.
var (
	RequestKey    = requestKey
	SaneRequestID = web.SaneRequestID
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
		list = append(list, RouteOf{rt.method, rt.path, rt.guard != web.GuardNone, rt.guard == web.GuardOperator})
	}
	return list
}

// AcceptedJSON writes the answer by hand, AcceptedView by encoding/json.
var AcceptedJSON = acceptedJSON

// AcceptedView is the form that the document describes.
func AcceptedView(a app.Accepted) any {
	return wire.AcceptedView{GenerationID: a.GenerationID.String(), Status: string(a.Status), CreditsReserved: a.CreditsReserved.String()}
}

// PlainURL and BadOddURL are the short and the long way to check a URL.
var PlainURL, BadOddURL = plainURL, badOddURL

// CheckQuery is for the fuzz target.
var CheckQuery = checkQuery
