package operations

import (
	"context"
	"time"

	"github.com/creativeflow/aigen/internal/runtimeinfo"
)

// Health is how the process and what it stands on are.
type Health struct {
	At           time.Time
	Version      string
	Began        time.Time // of the process
	State        runtimeinfo.State
	Dependencies []runtimeinfo.Dependency
	Parts        []runtimeinfo.Part
}

// healthTimeout bounds a look at the dependencies.
const healthTimeout = 5 * time.Second

// GetHealth looks at each dependency. State is the worst of theirs.
func (o *Service) GetHealth(ctx context.Context) Health {
	h := Health{At: o.now(), Version: o.runtime.Version, Began: o.runtime.Began, State: runtimeinfo.StateOK}
	if o.runtime.Parts != nil {
		h.Parts = o.runtime.Parts()
	}
	if o.runtime.Ready == nil {
		return h
	}
	ctx, cancel := context.WithTimeout(ctx, healthTimeout)
	defer cancel()
	h.Dependencies = o.runtime.Ready(ctx)
	h.State = runtimeinfo.Worst(h.Dependencies)
	return h
}

// GetSettings returns the settings in force. What is secret is masked.
func (o *Service) GetSettings() []runtimeinfo.Setting {
	if o.runtime.Settings == nil {
		return nil
	}
	return o.runtime.Settings()
}
