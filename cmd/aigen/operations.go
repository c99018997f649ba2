package main

import (
	"time"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/app"
	"github.com/creativeflow/aigen/internal/config"
	"github.com/creativeflow/aigen/internal/operations"
	"github.com/creativeflow/aigen/internal/runtimeinfo"
)

// newOperations are the use-cases of those who run the service, for the admin API and
// the console's pages for them.
func (in *instance) newOperations(s *app.Service, policy *aigen.Policy) *operations.Service {
	c := in.c
	return operations.New(operations.Config{Service: s, Policy: policy, Store: in.store, Dispatcher: in.relay, Log: in.log, Runtime: runtimeinfo.Info{
		Version: programVersion(), Began: time.Now(),
		Settings: func() []runtimeinfo.Setting { return settingsInForce(c) },
		Parts:    c.Parts, Ready: in.ready,
	}})
}

// settingsInForce is what `aigen doctor` shows: config masks what is secret.
func settingsInForce(c config.Config) []runtimeinfo.Setting {
	var all []runtimeinfo.Setting
	for _, s := range c.Settings() {
		all = append(all, s.Setting)
	}
	return all
}
