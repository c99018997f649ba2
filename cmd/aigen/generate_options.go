package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/creativeflow/aigen"
)

// localProject is what a generation belongs to when nobody says.
const localProject = "00000000-0000-7000-8000-000000000002"

// generateOptions is the command line of `aigen generate`.
type generateOptions struct {
	serviceOptions

	prompt, style, format, resolution string
	project                           string
	out, saveSamples                  string
	samples, pick                     int
	pickGiven, force, json, quiet     bool
	noPictures                        bool
	timeout                           time.Duration

	// Made by check.
	input     aigen.Input
	projectID aigen.ID
}

// check finds everything that is wrong with the command line before anything is
// started or charged, and reads it.
func (o *generateOptions) check(term terminal) error {
	var faults []string
	fault := collect(&faults)
	o.checkInput(fault)
	o.checkPick(term, fault)
	o.serviceOptions.check(term, fault)
	o.projectID = checkID("--project", o.project, localProject, fault)
	if o.timeout < 0 {
		fault("--timeout must not be negative")
	}
	o.checkFiles(term, fault)
	return usageError(faults)
}

// collect adds a fault to a list.
func collect(faults *[]string) func(format string, args ...any) {
	return func(format string, args ...any) { *faults = append(*faults, fmt.Sprintf(format, args...)) }
}

// usageError names all faults at once; nil if there are none.
func usageError(faults []string) error {
	switch len(faults) {
	case 0:
		return nil
	case 1:
		return &exitError{exitUsage, errors.New(faults[0])}
	}
	return &exitError{exitUsage, errors.New("the command line has " + strconv.Itoa(len(faults)) + " faults:\n  " + strings.Join(faults, "\n  "))}
}

// flagOf says where on the command line a field of the API comes from.
var flagOf = map[string]string{
	"body.inputPrompt":                "the prompt",
	"body.styleGuidance":              "--style",
	"body.inputParameters.format":     "--format",
	"body.inputParameters.resolution": "--resolution",
	"body.inputParameters.samples":    "--samples",
}

// checkInput holds the input against the rules of the domain, the same that the
// service will hold it against.
func (o *generateOptions) checkInput(fault func(string, ...any)) {
	parameters := map[string]any{"samples": o.samples}
	if o.format != "" {
		parameters["format"] = o.format
	}
	if o.resolution != "" {
		parameters["resolution"] = o.resolution
	}
	raw, err := json.Marshal(parameters)
	if err != nil {
		fault("%v", err)
		return
	}
	if o.input, err = aigen.NewInput(o.prompt, o.style, raw); err == nil {
		return
	}
	var invalid *aigen.Error
	if !errors.As(err, &invalid) {
		fault("%v", err)
		return
	}
	for _, f := range invalid.Fields {
		where := flagOf[f.Location]
		if where == "" {
			where = f.Location
		}
		fault("%s %s", where, f.Message)
	}
}

func (o *generateOptions) checkPick(term terminal, fault func(string, ...any)) {
	most := min(max(o.samples, 1), aigen.MaxSamples) // a wrong number of samples is a fault of its own
	if !o.pickGiven && o.samples == 1 && (o.json || !term.canAsk()) {
		o.pick, o.pickGiven = 1, true // there is nothing to choose, and nobody to ask
	}
	switch {
	case o.pickGiven && (o.pick < 1 || o.pick > most):
		fault("--pick must be a whole number from 1 to %d, one of the samples", most)
	case !o.pickGiven && o.json:
		fault("--pick is missing: --json asks no questions; say which sample to take, 1 to %d", most)
	case !o.pickGiven && !term.canAsk():
		fault("--pick is missing, and there is no terminal to ask on: say which sample to take, 1 to %d", most)
	}
}
