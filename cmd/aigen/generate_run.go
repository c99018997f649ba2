package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/client"
	"github.com/creativeflow/aigen/internal/config"
)

// graceForAnswer is how long an interrupted request that may have started something
// is waited for: without its answer there is nothing to cancel by.
const graceForAnswer = 5 * time.Second

// generateRun is one generation on its way.
type generateRun struct {
	o     *generateOptions
	term  terminal
	view  generateView
	began time.Time

	client   *client.Client
	settings *config.Config // of a service on our own database; nil for any other
	instance *instance      // the service that was started for this command; nil for a running one

	id     aigen.ID
	rounds int // of samples
	// forSamples is what a round of them costs; 0 where the service did not say.
	forSamples aigen.Credits
	answers    <-chan string
	result     generateResult
}

// run does everything up to the saved picture.
func (r *generateRun) run(ctx context.Context) error {
	if err := r.connect(ctx); err != nil {
		return err
	}
	if err := r.checkCredits(ctx); err != nil {
		return err
	}
	if err := r.create(ctx); err != nil {
		return r.explain(ctx, err)
	}
	last, err := r.follow(ctx)
	switch {
	case ctx.Err() != nil:
		return r.cancel(ctx)
	case err != nil:
		return r.explain(ctx, err)
	}
	return r.finish(ctx, last)
}

// checkCredits says before anything is charged that the credits will not last to the
// end. Only with our own ledger: what others charge is theirs to say.
func (r *generateRun) checkCredits(ctx context.Context) error {
	if r.settings == nil || !r.settings.UsesLedger() {
		return nil
	}
	b, err := r.client.Credits(ctx)
	if err != nil {
		return r.explain(ctx, err)
	}
	p := policyOf(*r.settings).Pricing
	samples, final := p.SamplesRun(r.o.input.Parameters.Samples), p.FinalRun(r.o.input.Parameters.FinalResolution())
	if b.Available >= samples+final {
		return nil
	}
	return &exitError{exitCredits, fmt.Errorf("not enough credits: this needs %s (%s for the samples, %s for the final picture), and %s are available\n%s",
		samples+final, samples, final, b.Available, r.howToGrant())}
}

func (r *generateRun) howToGrant() string {
	return "To add some: aigen credits grant --user " + r.o.userID.String() + " --amount 100"
}

func (r *generateRun) create(ctx context.Context) error {
	parameters, err := json.Marshal(r.o.input.Parameters)
	if err != nil {
		return err
	}
	patient, cancel := outlive(ctx, graceForAnswer)
	defer cancel()
	a, err := r.client.Create(patient, client.NewGeneration{
		ProjectID: r.o.projectID, InputPrompt: r.o.input.Prompt, StyleGuidance: r.o.input.StyleGuidance, InputParameters: parameters,
	}, client.NewKey())
	if err != nil {
		return err
	}
	r.id, r.result.GenerationID, r.result.Status = a.GenerationID, a.GenerationID.String(), a.Status
	r.forSamples = a.CreditsReserved
	r.view.begin(a)
	return nil
}

// outlive is a context that ends a little after its parent.
func outlive(parent context.Context, grace time.Duration) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(parent))
	stop := context.AfterFunc(parent, func() { time.AfterFunc(grace, cancel) })
	return ctx, func() { stop(); cancel() }
}

// arrival is what comes out of the stream.
type arrival struct {
	event client.Event
	err   error
}

// follow watches until the end and has a sample chosen on the way. Events are read
// while a person thinks: the generation may end under them.
func (r *generateRun) follow(ctx context.Context) (client.Event, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	events := make(chan arrival)
	go func() {
		for e, err := range r.client.Stream(ctx, r.id, "") {
			select {
			case events <- arrival{e, err}:
			case <-ctx.Done():
				return
			}
		}
	}()
	for {
		e, err := r.next(ctx, events)
		if err != nil || e.Terminal() {
			return e, err
		}
		switch e.Type {
		case aigen.EventSamplesReady:
			ended, err := r.choose(ctx, events, e.Data.SampleAssets)
			if err != nil || ended != nil {
				return deref(ended), err
			}
		case aigen.EventCreditsRefused, aigen.EventCreditsUnavailable:
			return e, r.notReserved(e)
		default: // shown as it came
		}
	}
}

func deref(e *client.Event) client.Event {
	if e == nil {
		return client.Event{}
	}
	return *e
}

// next is the next event, shown.
func (r *generateRun) next(ctx context.Context, events <-chan arrival) (client.Event, error) {
	select {
	case a := <-events:
		return a.event, r.took(a)
	case <-ctx.Done():
		return client.Event{}, context.Cause(ctx)
	}
}

// took shows an event and keeps what the result tells.
func (r *generateRun) took(a arrival) error {
	if a.err != nil {
		return fmt.Errorf("lost sight of generation %s, which may still be running: %w", r.id, a.err)
	}
	r.result.Status, r.result.Credits = a.event.Data.Status, &a.event.Data.Credits
	r.view.event(a.event)
	return nil
}

// notReserved is for a request that was accepted first and turned down later.
func (r *generateRun) notReserved(e client.Event) error {
	message := "credits could not be reserved"
	if e.Data.Error != nil {
		message = e.Data.Error.Message
	}
	code := exitFailure
	if e.Type == aigen.EventCreditsRefused {
		code = exitCredits
	}
	return &exitError{code, errors.New(strings.TrimSpace(printable(message) + " " + r.waiting()))}
}

func (r *generateRun) waiting() string {
	return "Generation " + r.id.String() + " keeps its samples and waits for a choice."
}
