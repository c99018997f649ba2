package httpapi

import (
	"net/http"
	"slices"
	"strings"

	"github.com/creativeflow/aigen/internal/httpapi/admin"
	"github.com/creativeflow/aigen/internal/httpapi/openapi"
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
	retryPath       = generationPath + "/retry"
	eventsPath      = generationPath + "/events"
	userEventsPath  = apiPath + "events"
	creditsPath     = apiPath + "credits"
	callbackPath    = apiPath + "callbacks/n8n"
	userAssetsPath  = apiPath + "assets"
	userAssetPath   = userAssetsPath + "/{id}"
	uploadPath      = apiPath + "uploads/{job}"

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
	// Describe says what the route looks like; nil: it is not in the document.
	describe func() openapi.Operation
}

// StrictQuery: what the query may hold is in the document, and nothing else is taken.
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
	const get, post, del = http.MethodGet, http.MethodPost, http.MethodDelete
	return slices.Concat([]route{
		{post, generationsPath, web.GuardUser, (*API).create, openapi.CreateGeneration},
		{get, generationsPath, web.GuardUser, (*API).list, openapi.ListGenerations},
		{get, generationPath, web.GuardUser, (*API).get, openapi.GetGeneration},
		{post, selectPath, web.GuardUser, (*API).selectSample, openapi.SelectSample},
		{post, regeneratePath, web.GuardUser, (*API).regenerate, openapi.RegenerateSamples},
		{post, cancelPath, web.GuardUser, (*API).cancel, openapi.CancelGeneration},
		{get, eventsPath, web.GuardUser, (*API).generationEvents, openapi.GenerationEvents},
		{get, userEventsPath, web.GuardUser, (*API).userEvents, openapi.UserEvents},
		{post, retryPath, web.GuardUser, (*API).retry, openapi.RetryGeneration},
		{get, creditsPath, web.GuardUser, (*API).credits, openapi.GetCredits},
		{post, userAssetsPath, web.GuardUser, (*API).uploadAsset, openapi.UploadAsset},
		{get, userAssetsPath, web.GuardUser, (*API).listAssets, openapi.ListAssets},
		{get, userAssetPath, web.GuardUser, (*API).getAsset, openapi.GetAsset},
		{del, userAssetPath, web.GuardUser, (*API).removeAsset, openapi.DeleteAsset},
		{post, uploadPath, web.GuardNone, (*API).engineUpload, openapi.EngineUpload},
		{post, callbackPath, web.GuardNone, (*API).callback, openapi.N8NCallback},
	}, operatorRoutes(), []route{
		{get, healthPath, web.GuardNone, (*API).health, openapi.Health},
		{get, readyPath, web.GuardNone, (*API).ready, openapi.Ready},
		{get, metricsPath, web.GuardNone, (*API).metrics, openapi.Metrics},
		{get, openAPIJSONPath, web.GuardNone, (*API).openAPIJSON, openapi.JSON},
		{get, openAPIYAMLPath, web.GuardNone, (*API).openAPIYAML, openapi.YAML},
		{get, docsPath, web.GuardNone, (*API).docsPage, openapi.Docs},
		{get, assetsPath, web.GuardNone, (*API).asset, nil},
		{get, "/", web.GuardNone, (*API).home, nil},
	})
}

// operatorRoutes are those of the admin API.
func operatorRoutes() (list []route) {
	for _, rt := range admin.Routes() {
		handle := func(a *API, w http.ResponseWriter, r *http.Request) error { return rt.Handle(a.admin, w, r) }
		list = append(list, route{rt.Method, adminPath + rt.Path, web.GuardOperator, handle, rt.Describe})
	}
	return list
}

// described are the routes that are in the document.
func described() (list []openapi.Route) {
	for _, rt := range routes() {
		if rt.describe != nil {
			list = append(list, openapi.Route{Method: rt.method, Path: rt.path, Guard: rt.guard, StrictQuery: rt.strictQuery(), Operation: rt.describe()})
		}
	}
	return list
}

// routeIsProbe: machines ask these all day; a line for each would bury the others.
func routeIsProbe(path string) bool {
	return path == healthPath || path == readyPath || path == metricsPath || strings.HasPrefix(path, assetsPath)
}
