package postgres

import (
	"fmt"
	"math/rand/v2"

	"github.com/creativeflow/aigen/internal/app"
	"github.com/creativeflow/aigen/internal/rowjson"
)

// encodedChange is a change with its JSON made: before the transaction, so that no lock is
// held for it.
type encodedChange struct {
	change        *app.Change
	id            int64 // drawn by lot; its events have it
	commitUnknown bool  // a commit of it has no answer
	err           error // a value that JSON cannot hold; the change fails with it

	parameters, samples, finalAsset, failure, refs, options string // "" for NULL
	events                                                  []string
	answer                                                  string
}

func encodeChange(c *app.Change) encodedChange {
	d := encodedChange{change: c, id: rand.Int64()} //nolint:gosec // G404: to tell it from others, not a secret
	d.err = d.encode()
	return d
}

func (d *encodedChange) encode() error {
	g := d.change.Generation
	parameters, err := g.Input.Parameters.MarshalJSON()
	if err != nil {
		return fmt.Errorf("parameters of generation %s: %w", g.ID, err)
	}
	d.parameters = string(parameters)
	for _, column := range []struct {
		to    *string
		value any
		set   bool
	}{
		{&d.samples, g.Samples, len(g.Samples) > 0},
		{&d.finalAsset, g.FinalAsset, g.FinalAsset != nil},
		{&d.failure, g.Failure, g.Failure != nil},
	} {
		if column.set {
			if *column.to, err = rowjson.Marshal(column.value); err != nil {
				return fmt.Errorf("generation %s: %w", g.ID, err)
			}
		}
	}
	if d.refs, err = rowjson.References(g.Input.References); err != nil {
		return fmt.Errorf("generation %s: %w", g.ID, err)
	}
	if d.options, err = rowjson.Options(&g.Options); err != nil {
		return fmt.Errorf("generation %s: %w", g.ID, err)
	}
	d.events = make([]string, len(d.change.Events))
	for i := range d.change.Events {
		e := &d.change.Events[i]
		if d.events[i], err = rowjson.Event(e); err != nil {
			return fmt.Errorf("event %d of generation %s: %w", e.Seq, g.ID, err)
		}
	}
	if r := d.change.Record; r != nil && r.Answer != nil {
		if d.answer, err = rowjson.Marshal(r.Answer); err != nil {
			return fmt.Errorf("answer of an idempotency key: %w", err)
		}
	}
	return nil
}
