package main

import (
	"context"
	"time"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/app"
	"github.com/creativeflow/aigen/internal/config"
)

// newOperations are the use-cases of those who run the service, for the admin API and
// the console's pages for them.
func (in *instance) newOperations(s *app.Service, policy *aigen.Policy) *app.Operations {
	c := in.c
	return app.NewOperations(app.OperationsConfig{Service: s, Policy: policy, Store: in.store, Dispatcher: in.relay, Log: in.log, Around: app.Surroundings{
		Version: programVersion(), Began: time.Now(),
		Settings: func() []app.Setting { return settingsInForce(c) },
		Parts:    func() []app.Part { return partsOf(c) },
		Ready: func(ctx context.Context) []app.Dependency {
			var all []app.Dependency
			for _, d := range in.ready(ctx) {
				all = append(all, app.Dependency{Name: d.Name, State: app.DependencyState(d.State), Mode: d.Mode, Detail: d.Detail})
			}
			return all
		},
	}})
}

// settingsInForce is what `aigen doctor` shows: config masks what is secret.
func settingsInForce(c config.Config) []app.Setting {
	var all []app.Setting
	for _, s := range c.Settings() {
		all = append(all, app.Setting{Group: s.Group, Name: s.Name, Value: s.Value, Source: s.Source, Doc: s.Doc})
	}
	return all
}

func partsOf(c config.Config) []app.Part {
	var all []app.Part
	for _, p := range c.Parts() {
		all = append(all, app.Part(p))
	}
	return all
}
