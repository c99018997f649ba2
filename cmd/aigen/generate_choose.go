package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/client"
)

// errStopped: the person does not want any of the samples.
var errStopped = errors.New("stopped")

// choose takes the sample that the command line names, or asks. It returns the
// event that ended the generation while the person was thinking, if one did.
func (r *generateRun) choose(ctx context.Context, events <-chan arrival, samples []aigen.Asset) (*client.Event, error) {
	where, err := r.keepSamples(ctx, samples)
	if err != nil {
		return nil, err
	}
	r.view.pictures(r.previews(ctx, where))
	if r.o.pickGiven {
		if r.o.pick > len(samples) {
			return nil, fmt.Errorf("there is no sample %d: the engine made only %d. %s", r.o.pick, len(samples), r.waiting())
		}
		return nil, r.choice(ctx, samples[r.o.pick-1])
	}
	r.view.offer(samples, where)
	for {
		r.view.ask(r.question(len(samples)))
		line, ended, err := r.answer(ctx, events)
		if err != nil || ended != nil {
			return ended, err
		}
		switch n, err := strconv.Atoi(line); {
		case err == nil && n >= 1 && n <= len(samples):
			return nil, r.choice(ctx, samples[n-1])
		case line == "r":
			if again, ended, err := r.confirm(ctx, events); err != nil || ended != nil {
				return ended, err
			} else if again {
				return nil, r.regenerate(ctx)
			}
		case line == "q":
			return nil, errStopped
		default:
			r.view.again(len(samples))
		}
	}
}

// question names what each answer costs, as far as that is known here: what another
// service charges for the final is known only after it was ordered.
func (r *generateRun) question(n int) string {
	which := "1"
	if n > 1 {
		which += "-" + strconv.Itoa(n)
	}
	if r.settings != nil {
		final := policyOf(*r.settings).Pricing.FinalRun(r.o.input.Parameters.FinalResolution())
		which += " (" + final.String() + " credits)"
	}
	anew := "r for new samples"
	if r.forSamples > 0 {
		anew += " (" + r.forSamples.String() + " credits)"
	}
	return "Which one? [" + which + ", " + anew + ", q to stop]"
}

// confirm asks before credits are spent on new samples, for which these are given up.
func (r *generateRun) confirm(ctx context.Context, events <-chan arrival) (bool, *client.Event, error) {
	price := "credits again"
	if r.forSamples > 0 {
		price = r.forSamples.String() + " credits"
	}
	r.view.ask("New samples take the place of these, and cost " + price + ". Make them? [y/N]")
	line, ended, err := r.answer(ctx, events)
	return line == "y" || line == "yes", ended, err
}

// answer waits for a line from the person, or for the end of the generation.
func (r *generateRun) answer(ctx context.Context, events <-chan arrival) (string, *client.Event, error) {
	if r.answers == nil {
		r.answers = readLines(r.term.in)
	}
	for {
		select {
		case line, more := <-r.answers:
			if !more {
				r.view.endLine()
				return "", nil, errStopped
			}
			return strings.ToLower(strings.TrimSpace(line)), nil, nil
		case a := <-events:
			if err := r.took(a); err != nil || a.event.Terminal() {
				return "", &a.event, err
			}
		case <-ctx.Done():
			r.view.endLine()
			return "", nil, context.Cause(ctx)
		}
	}
}

// readLines reads for as long as the program runs: there is no way to stop waiting
// for a terminal.
func readLines(in io.Reader) <-chan string {
	lines := make(chan string)
	go func() {
		defer close(lines)
		for s := bufio.NewScanner(in); s.Scan(); {
			lines <- s.Text()
		}
	}()
	return lines
}

// choice orders the final of a sample.
func (r *generateRun) choice(ctx context.Context, sample aigen.Asset) error {
	r.result.SelectedSampleID = sample.AssetID
	_, err := r.client.Select(ctx, r.id, sample.AssetID, aigen.Resolution{})
	return r.ordered(err)
}

func (r *generateRun) regenerate(ctx context.Context) error {
	_, err := r.client.Regenerate(ctx, r.id, client.Changes{})
	return r.ordered(err)
}

// ordered says of an order that was turned down what has become of the samples.
func (r *generateRun) ordered(err error) error {
	var p *client.Problem
	if !errors.As(err, &p) {
		return err
	}
	p.Detail = strings.TrimSpace(p.Detail + " " + r.waiting())
	return err
}
