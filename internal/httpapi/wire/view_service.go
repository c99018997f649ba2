package wire

import "github.com/creativeflow/aigen/internal/runtimeinfo"

// ProcessedView is the answer to a callback.
type ProcessedView struct {
	Outcome string `json:"outcome" enum:"applied,duplicate,stale,ignored" doc:"Only applied has changed anything."`
	Status  string `json:"status" enum:"@status"`
}

// HealthView is the answer of /healthz.
type HealthView struct {
	Status  string `json:"status" enum:"ok"`
	Version string `json:"version,omitempty"`
}

// ReadyView is the answer of /readyz.
type ReadyView struct {
	Status       runtimeinfo.State        `json:"status" enum:"ok,degraded,down" doc:"The worst of all."`
	Dependencies []runtimeinfo.Dependency `json:"dependencies" nullable:"false"`
}
