package metrics

import "github.com/prometheus/client_golang/prometheus"

// Registry is what m gathers from.
func Registry(m *Metrics) prometheus.Gatherer { return m.registry }
