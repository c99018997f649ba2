package httpapi

import "github.com/creativeflow/aigen/internal/runtimeinfo"

// processedView is the answer to a callback.
type processedView struct {
	Outcome string `json:"outcome" enum:"applied,duplicate,stale,ignored" doc:"Only applied has changed anything."`
	Status  string `json:"status" enum:"@status"`
}

type healthView struct {
	Status  string `json:"status" enum:"ok"`
	Version string `json:"version,omitempty"`
}

type readyView struct {
	Status       runtimeinfo.State        `json:"status" enum:"ok,degraded,down" doc:"The worst of all."`
	Dependencies []runtimeinfo.Dependency `json:"dependencies" nullable:"false"`
}
