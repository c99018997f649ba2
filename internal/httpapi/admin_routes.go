package httpapi

import "net/http"

// The paths, below that of the admin API.
const (
	adminDeliveriesPath  = "deliveries"
	adminRetryManyPath   = adminDeliveriesPath + "/retry"
	adminDeliveryPath    = adminDeliveriesPath + "/{id}"
	adminRetryPath       = adminDeliveryPath + "/retry"
	adminDropPath        = adminDeliveryPath + "/drop"
	adminGenerationsPath = "generations"
	adminGenerationPath  = adminGenerationsPath + "/{id}"
	adminFailPath        = adminGenerationPath + "/fail"
)

// adminRoute is one operation of the admin API.
type adminRoute struct {
	method   string
	path     string // below that of the admin API
	handle   func(a *adminAPI, w http.ResponseWriter, r *http.Request) error
	describe func() spec
}

// adminRoutes are all of them.
func adminRoutes() []adminRoute {
	const get, post = http.MethodGet, http.MethodPost
	return []adminRoute{
		{get, adminDeliveriesPath, (*adminAPI).deliveries, specListDeliveries},
		{post, adminRetryManyPath, (*adminAPI).retryMany, specRetryDeliveries},
		{get, adminDeliveryPath, (*adminAPI).delivery, specGetDelivery},
		{post, adminRetryPath, (*adminAPI).retry, specRetryDelivery},
		{post, adminDropPath, (*adminAPI).drop, specDropDelivery},
		{get, adminGenerationsPath, (*adminAPI).generations, specListAllGenerations},
		{get, adminGenerationPath, (*adminAPI).generation, specGetStory},
		{post, adminFailPath, (*adminAPI).fail, specFailGeneration},
		{get, "search", (*adminAPI).search, specSearch},
		{get, "actions", (*adminAPI).actions, specListActions},
		{get, "statistics", (*adminAPI).statistics, specGetStatistics},
		{get, "health", (*adminAPI).health, specGetHealth},
		{get, "settings", (*adminAPI).settings, specGetSettings},
	}
}
