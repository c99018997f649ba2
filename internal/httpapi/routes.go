package httpapi

import (
	"net/http"
	"slices"
	"strings"

	"github.com/creativeflow/aigen/internal/web"
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

	adminPath = apiPath + "admin/"

	healthPath      = "/healthz"
	readyPath       = "/readyz"
	metricsPath     = "/metrics"
	docsPath        = "/docs"
	openAPIJSONPath = "/openapi.json"
	openAPIYAMLPath = "/openapi.yaml"
	assetsPath      = "/assets/"
)

// route is one operation: how it is found, guarded, served and
// described.
type route struct {
	method string
	path   string // also the name of the route in logs and metrics
	guard  web.Guard
	handle func(a *API, w http.ResponseWriter, r *http.Request) error
	// describe says what the route looks like; nil: it is not in the document.
	describe func() spec
}

// strictQuery: what the query may hold is in the document, and nothing else is taken.
// Engines may add to the address that they report to, and so may whoever watches the
// service or opens a page.
func (rt route) strictQuery() bool {
	return strings.HasPrefix(rt.path, apiPath) && rt.path != callbackPath
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
	return slices.Concat([]route{
		{post, generationsPath, web.GuardUser, (*API).create, specCreateGeneration},
		{get, generationsPath, web.GuardUser, (*API).list, specListGenerations},
		{get, generationPath, web.GuardUser, (*API).get, specGetGeneration},
		{post, selectPath, web.GuardUser, (*API).selectSample, specSelectSample},
		{post, regeneratePath, web.GuardUser, (*API).regenerate, specRegenerateSamples},
		{post, cancelPath, web.GuardUser, (*API).cancel, specCancelGeneration},
		{get, eventsPath, web.GuardUser, (*API).generationEvents, specGenerationEvents},
		{get, userEventsPath, web.GuardUser, (*API).userEvents, specUserEvents},
		{get, creditsPath, web.GuardUser, (*API).credits, specGetCredits},
		{post, callbackPath, web.GuardNone, (*API).callback, specN8nCallback},
	}, operatorRoutes(), []route{
		{get, healthPath, web.GuardNone, (*API).health, specHealth},
		{get, readyPath, web.GuardNone, (*API).ready, specReady},
		{get, metricsPath, web.GuardNone, (*API).metrics, specMetrics},
		{get, openAPIJSONPath, web.GuardNone, (*API).openAPIJSON, specOpenapiJSON},
		{get, openAPIYAMLPath, web.GuardNone, (*API).openAPIYAML, specOpenapiYAML},
		{get, docsPath, web.GuardNone, (*API).docsPage, specDocs},
		{get, assetsPath, web.GuardNone, (*API).asset, nil},
		{get, "/", web.GuardNone, (*API).home, nil},
	})
}

// operatorRoutes are those of the admin API.
func operatorRoutes() (list []route) {
	for _, rt := range adminRoutes() {
		handle := func(a *API, w http.ResponseWriter, r *http.Request) error { return rt.handle(a.admin, w, r) }
		list = append(list, route{rt.method, adminPath + rt.path, web.GuardOperator, handle, rt.describe})
	}
	return list
}

// described are the routes that are in the document.
func described() (list []docRoute) {
	for _, rt := range routes() {
		if rt.describe != nil {
			list = append(list, docRoute{method: rt.method, path: rt.path, guard: rt.guard, strictQuery: rt.strictQuery(), spec: rt.describe()})
		}
	}
	return list
}

// routeIsProbe: machines ask these all day; a line for each would bury the others.
func routeIsProbe(path string) bool {
	return path == healthPath || path == readyPath || path == metricsPath || strings.HasPrefix(path, assetsPath)
}
