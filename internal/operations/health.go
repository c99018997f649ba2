package operations

import (
	"context"
	"time"
)

// RuntimeInfo are what an operator sees of the process itself. The program fills
// them in; every function may be nil.
type RuntimeInfo struct {
	Version string
	Began   time.Time
	// Settings are those in force, with secrets masked.
	Settings func() []Setting
	// Parts say what does the work: embedded, or which system outside.
	Parts func() []Part
	// Ready looks at each dependency.
	Ready func(ctx context.Context) []Dependency
}

// Setting is one setting in force.
type Setting struct {
	Group  string // the heading it stands under
	Name   string
	Value  string // masked where it is a secret; "" where it is not set
	Source string // "environment", "default" …
	Doc    string
}

// Part is one thing that the service needs, and what does it.
type Part struct {
	Need     string // "database", "credits" …
	Uses     string // for a person; credentials masked
	Embedded bool   // done within the process
}

// DependencyState says how a dependency is.
type DependencyState string

// The states of a dependency, from good to bad.
const (
	DependencyOK       DependencyState = "ok"
	DependencyDegraded DependencyState = "degraded" // works, or is stood in for
	DependencyDown     DependencyState = "down"     // the service cannot do its work
)

// Dependency is how one dependency is.
type Dependency struct {
	Name   string
	State  DependencyState
	Mode   string // which implementation it is: sqlite, odoo …
	Detail string // what is wrong, in words
}

// Health is how the process and what it stands on are.
type Health struct {
	At           time.Time
	Version      string
	Began        time.Time // of the process
	State        DependencyState
	Dependencies []Dependency
	Parts        []Part
}

// healthTimeout bounds a look at the dependencies.
const healthTimeout = 5 * time.Second

// GetHealth looks at each dependency. State is the worst of theirs.
func (o *Service) GetHealth(ctx context.Context) Health {
	h := Health{At: o.now(), Version: o.runtime.Version, Began: o.runtime.Began, State: DependencyOK}
	if o.runtime.Parts != nil {
		h.Parts = o.runtime.Parts()
	}
	if o.runtime.Ready == nil {
		return h
	}
	ctx, cancel := context.WithTimeout(ctx, healthTimeout)
	defer cancel()
	h.Dependencies = o.runtime.Ready(ctx)
	for _, d := range h.Dependencies {
		if d.State == DependencyDown || d.State == DependencyDegraded && h.State == DependencyOK {
			h.State = d.State
		}
	}
	return h
}

// GetSettings returns the settings in force. What is secret is masked.
func (o *Service) GetSettings() []Setting {
	if o.runtime.Settings == nil {
		return nil
	}
	return o.runtime.Settings()
}
