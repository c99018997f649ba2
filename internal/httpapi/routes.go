package httpapi

import (
	"net/http"
	"strings"
)

// The paths.
const (
	apiPath         = "/api/v1/"
	generationsPath = apiPath + "generations"
	generationPath  = generationsPath + "/{id}"
	selectPath      = generationPath + "/select-sample"
	regeneratePath  = generationPath + "/regenerate-samples"
	cancelPath      = generationPath + "/cancel"
	eventsPath      = generationPath + "/events"
	userEventsPath  = apiPath + "events"
	creditsPath     = apiPath + "credits"
	callbackPath    = apiPath + "callbacks/n8n"
	healthPath      = "/healthz"
	readyPath       = "/readyz"
	metricsPath     = "/metrics"
	docsPath        = "/docs"
	openAPIJSONPath = "/openapi.json"
	openAPIYAMLPath = "/openapi.yaml"
	assetsPath      = "/assets/"
)

// guard says who may call a route.
type guard int

const (
	guardNone guard = iota
	guardUser       // a user's token; the request counts against the user's rate
)

// route is one operation: how it is found, guarded and served. describe.go says
// what it looks like.
type route struct {
	method string
	path   string // also the name of the route in logs and metrics
	guard  guard
	handle func(a *API, w http.ResponseWriter, r *http.Request) error
}

// pattern is the path for ServeMux. GET includes HEAD there.
func (rt route) pattern() string {
	if rt.path == "/" {
		return "/{$}"
	}
	return rt.path
}

func routes() []route {
	const get, post = http.MethodGet, http.MethodPost
	return []route{
		{post, generationsPath, guardUser, (*API).create},
		{get, generationsPath, guardUser, (*API).list},
		{get, generationPath, guardUser, (*API).get},
		{post, selectPath, guardUser, (*API).selectSample},
		{post, regeneratePath, guardUser, (*API).regenerate},
		{post, cancelPath, guardUser, (*API).cancel},
		{get, eventsPath, guardUser, (*API).generationEvents},
		{get, userEventsPath, guardUser, (*API).userEvents},
		{get, creditsPath, guardUser, (*API).credits},
		{post, callbackPath, guardNone, (*API).callback},

		{get, healthPath, guardNone, (*API).health},
		{get, readyPath, guardNone, (*API).ready},
		{get, metricsPath, guardNone, (*API).metrics},
		{get, openAPIJSONPath, guardNone, (*API).openAPIJSON},
		{get, openAPIYAMLPath, guardNone, (*API).openAPIYAML},
		{get, docsPath, guardNone, (*API).docsPage},
		{get, assetsPath, guardNone, (*API).asset},
		{get, "/", guardNone, (*API).home},
	}
}

// routeIsProbe: machines ask these all day; a line for each would bury the others.
func routeIsProbe(path string) bool {
	return path == healthPath || path == readyPath || path == metricsPath || strings.HasPrefix(path, assetsPath)
}
