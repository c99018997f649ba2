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
	retryPath       = generationPath + "/retry"
	eventsPath      = generationPath + "/events"
	userEventsPath  = apiPath + "events"
	creditsPath     = apiPath + "credits"
	callbackPath    = apiPath + "callbacks/n8n"
	userAssetsPath  = apiPath + "assets"
	userAssetPath   = userAssetsPath + "/{id}"
	uploadPath      = apiPath + "uploads/{job}"

	adminPath            = apiPath + "admin/"
	adminDeliveriesPath  = adminPath + "deliveries"
	adminRetryManyPath   = adminDeliveriesPath + "/retry"
	adminDeliveryPath    = adminDeliveriesPath + "/{id}"
	adminRetryPath       = adminDeliveryPath + "/retry"
	adminDropPath        = adminDeliveryPath + "/drop"
	adminGenerationsPath = adminPath + "generations"
	adminGenerationPath  = adminGenerationsPath + "/{id}"
	adminFailPath        = adminGenerationPath + "/fail"
	adminSearchPath      = adminPath + "search"
	adminActionsPath     = adminPath + "actions"
	adminStatisticsPath  = adminPath + "statistics"
	adminHealthPath      = adminPath + "health"
	adminSettingsPath    = adminPath + "settings"

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
	guardNone     guard = iota
	guardUser           // a user's token; the request counts against the user's rate
	guardOperator       // likewise, and the token has the role of an operator
)

// route is one operation: how it is found, guarded and served. describe.go says
// what it looks like.
type route struct {
	method string
	path   string // also the name of the route in logs and metrics
	guard  guard
	handle func(a *API, w http.ResponseWriter, r *http.Request) error
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
	const get, post, del = http.MethodGet, http.MethodPost, http.MethodDelete
	return []route{
		{post, generationsPath, guardUser, (*API).create},
		{get, generationsPath, guardUser, (*API).list},
		{get, generationPath, guardUser, (*API).get},
		{post, selectPath, guardUser, (*API).selectSample},
		{post, regeneratePath, guardUser, (*API).regenerate},
		{post, cancelPath, guardUser, (*API).cancel},
		{get, eventsPath, guardUser, (*API).generationEvents},
		{get, userEventsPath, guardUser, (*API).userEvents},
		{post, retryPath, guardUser, (*API).retry},
		{get, creditsPath, guardUser, (*API).credits},
		{post, userAssetsPath, guardUser, (*API).uploadAsset},
		{get, userAssetsPath, guardUser, (*API).listAssets},
		{get, userAssetPath, guardUser, (*API).getAsset},
		{del, userAssetPath, guardUser, (*API).removeAsset},
		{post, uploadPath, guardNone, (*API).engineUpload},
		{post, callbackPath, guardNone, (*API).callback},

		{get, adminDeliveriesPath, guardOperator, (*API).adminDeliveries},
		{post, adminRetryManyPath, guardOperator, (*API).adminRetryMany},
		{get, adminDeliveryPath, guardOperator, (*API).adminDelivery},
		{post, adminRetryPath, guardOperator, (*API).adminRetry},
		{post, adminDropPath, guardOperator, (*API).adminDrop},
		{get, adminGenerationsPath, guardOperator, (*API).adminGenerations},
		{get, adminGenerationPath, guardOperator, (*API).adminGeneration},
		{post, adminFailPath, guardOperator, (*API).adminFail},
		{get, adminSearchPath, guardOperator, (*API).adminSearch},
		{get, adminActionsPath, guardOperator, (*API).adminActions},
		{get, adminStatisticsPath, guardOperator, (*API).adminStatistics},
		{get, adminHealthPath, guardOperator, (*API).adminHealth},
		{get, adminSettingsPath, guardOperator, (*API).adminSettings},

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
