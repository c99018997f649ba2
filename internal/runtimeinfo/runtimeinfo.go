// Package runtimeinfo is what the process says of itself: the settings in force, what
// does the work, and how its dependencies are. The settings, /readyz, the use-cases of
// operators and their pages share these types. Nothing in it is secret.
package runtimeinfo

import (
	"context"
	"time"
)

// Info is what an operator sees of the process. The program fills it in; every function
// may be nil.
type Info struct {
	Version  string
	Began    time.Time
	Settings func() []Setting
	Parts    func() []Part
	Ready    func(ctx context.Context) []Dependency // looks at each dependency
}

// Setting is one setting in force.
type Setting struct {
	Group  string `json:"group"` // the heading it stands under
	Name   string `json:"name"`
	Value  string `json:"value" doc:"Secrets are masked; empty where it is not set."`
	Source string `json:"source" doc:"environment, .env, file, default, generated."`
	Doc    string `json:"doc"` // meaning, unit and range
}

// Part is one thing that the service needs, and what does it.
type Part struct {
	Need     string `json:"need" doc:"database, credits, engine …"`
	Uses     string `json:"uses" doc:"Credentials are masked."` // for a person
	Embedded bool   `json:"embedded" doc:"Done within the process."`
}

// State says how a dependency is.
type State string

// The states of a dependency, from good to bad.
const (
	StateOK       State = "ok"
	StateDegraded State = "degraded" // works, or is stood in for: still ready
	StateDown     State = "down"     // the service cannot do its work
)

// Dependency is how one dependency is. Everybody can read it in /readyz: no host names.
type Dependency struct {
	Name   string `json:"name" doc:"database, credits, engine …"`
	State  State  `json:"state" enum:"ok,degraded,down" doc:"down makes the service not ready."`
	Mode   string `json:"mode,omitempty" doc:"Which implementation it is: sqlite, embedded, odoo …"`
	Detail string `json:"detail,omitempty" doc:"What is wrong, in words."`
}

// Worst is the worst state of all, StateOK where there is none.
func Worst(all []Dependency) State {
	worst := StateOK
	for _, d := range all {
		if d.State == StateDown || d.State == StateDegraded && worst == StateOK {
			worst = d.State
		}
	}
	return worst
}
