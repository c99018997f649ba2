package admin

import (
	"net/http"

	"github.com/creativeflow/aigen/internal/httpapi/openapi"
)

// The paths, below that of the admin API.
const (
	deliveriesPath  = "deliveries"
	retryManyPath   = deliveriesPath + "/retry"
	deliveryPath    = deliveriesPath + "/{id}"
	retryPath       = deliveryPath + "/retry"
	dropPath        = deliveryPath + "/drop"
	generationsPath = "generations"
	generationPath  = generationsPath + "/{id}"
	failPath        = generationPath + "/fail"
)

// Route is one operation of the admin API.
type Route struct {
	Method   string
	Path     string // below that of the admin API
	Handle   func(a *API, w http.ResponseWriter, r *http.Request) error
	Describe func() openapi.Operation
}

// Routes are all of them.
func Routes() []Route {
	const get, post = http.MethodGet, http.MethodPost
	return []Route{
		{get, deliveriesPath, (*API).deliveries, listDeliveries},
		{post, retryManyPath, (*API).retryMany, retryDeliveries},
		{get, deliveryPath, (*API).delivery, getDelivery},
		{post, retryPath, (*API).retry, retryDelivery},
		{post, dropPath, (*API).drop, dropDelivery},
		{get, generationsPath, (*API).generations, listAllGenerations},
		{get, generationPath, (*API).generation, getStory},
		{post, failPath, (*API).fail, failGeneration},
		{get, "search", (*API).search, search},
		{get, "actions", (*API).actions, listActions},
		{get, "statistics", (*API).statistics, getStatistics},
		{get, "health", (*API).health, getHealth},
		{get, "settings", (*API).settings, getSettings},
	}
}
