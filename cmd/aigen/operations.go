package main

import (
	"context"
	"time"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/app"
	"github.com/creativeflow/aigen/internal/config"
	"github.com/creativeflow/aigen/internal/operations"
)

// newOperations are the use-cases of those who run the service, for the admin API and
// the console's pages for them.
func (in *instance) newOperations(s *app.Service, policy *aigen.Policy) *operations.Service {
	c := in.c
	return operations.New(operations.Config{Service: s, Policy: policy, Store: in.store, Dispatcher: in.relay, Log: in.log, Runtime: operations.RuntimeInfo{
		Version: programVersion(), Began: time.Now(),
		Settings: func() []operations.Setting { return settingsInForce(c) },
		Parts:    func() []operations.Part { return partsOf(c) },
		Ready: func(ctx context.Context) []operations.Dependency {
			var all []operations.Dependency
			for _, d := range in.ready(ctx) {
				all = append(all, operations.Dependency{Name: d.Name, State: operations.DependencyState(d.State), Mode: d.Mode, Detail: d.Detail})
			}
			return all
		},
	}})
}

// settingsInForce is what `aigen doctor` shows: config masks what is secret.
func settingsInForce(c config.Config) []operations.Setting {
	var all []operations.Setting
	for _, s := range c.Settings() {
		all = append(all, operations.Setting{Group: s.Group, Name: s.Name, Value: s.Value, Source: s.Source, Doc: s.Doc})
	}
	return all
}

func partsOf(c config.Config) []operations.Part {
	var all []operations.Part
	for _, p := range c.Parts() {
		all = append(all, operations.Part(p))
	}
	return all
}
