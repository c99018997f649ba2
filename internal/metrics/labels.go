package metrics

import (
	"net/http"
	"strconv"
	"strings"
	"sync"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/outbox"
)

// Each combination of labels is a time series that Prometheus keeps for ever, so that
// no label takes a value from outside: what is not known is other.
const (
	other         = "other"
	newGeneration = "new" // a label of "" would be no label
)

// set holds the values that a label may have.
type set map[string]struct{}

func setOf[T ~string](values ...T) set {
	s := set{}
	for _, v := range values {
		s[string(v)] = struct{}{}
	}
	return s
}

func (s set) label(v string) string {
	if _, ok := s[v]; ok {
		return v
	}
	return other
}

var (
	methods = setOf(http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch,
		http.MethodDelete, http.MethodOptions)
	lanes = setOf(outbox.Queues()...)
	kinds = setOf(outbox.DeliverSampleJob, outbox.DeliverFinalJob, outbox.DeliverReserve, outbox.DeliverDeduct,
		outbox.DeliverRefund, outbox.DeliverRelease, outbox.DeliverNotify)
	deliveryOutcomes = setOf("delivered", "retry", "dead", "returned")
	creditOperations = setOf("reserve", "deduct", "refund", "balance", "batch")
	creditOutcomes   = setOf("ok", "refused", "unavailable", "error")
	callbackOutcomes = setOf(
		string(aigen.OutcomeApplied), string(aigen.OutcomeDuplicate), string(aigen.OutcomeStale), string(aigen.OutcomeIgnored),
		string(aigen.CodeNotFound), string(aigen.CodeUnknownJob), string(aigen.CodeCallbackContradiction),
		string(aigen.CodeInternal),
	)
)

func statusLabel(s aigen.Status) string {
	switch {
	case s == "":
		return newGeneration
	case s.Valid():
		return string(s)
	}
	return other
}

func codeLabel(status int) string {
	if status < 100 || status > 599 {
		return other
	}
	return strconv.Itoa(status)
}

// routes takes the patterns that come, up to a number that no router of ours has: a
// caller that passes paths by mistake fills it, and not the memory of Prometheus.
type routes struct {
	mu    sync.RWMutex
	known set
}

const (
	maxRoutes      = 100
	maxRouteLength = 120
)

func newRoutes() *routes { return &routes{known: set{}} }

func (r *routes) label(route string) string {
	// Patterns of http.ServeMux have their method before the path; that is a label of its own.
	if _, path, ok := strings.Cut(route, " "); ok {
		route = path
	}
	if !strings.HasPrefix(route, "/") || len(route) > maxRouteLength {
		return other
	}
	r.mu.RLock()
	_, ok := r.known[route]
	full := len(r.known) >= maxRoutes
	r.mu.RUnlock()
	switch {
	case ok:
		return route
	case full:
		return other
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.known) < maxRoutes {
		r.known[route] = struct{}{}
	}
	return r.known.label(route)
}
