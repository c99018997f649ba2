package postgres

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/app"
	"github.com/creativeflow/aigen/internal/ledger"
	"github.com/creativeflow/aigen/internal/rowjson"
)

// Apply implements app.GenerationRepository.
//
// The changes are decided one after the other in memory, under the locks, so that one
// that is refused is left out and the next sees what the one before it did. The package
// comment names the steps.
//
// A row that breaks a rule of the schema is a defect of ours. It fails the whole
// transaction, and then the slice is halved until the change stands alone; the
// others are written.
func (s *Store) Apply(ctx context.Context, changes []*app.Change) []error {
	if len(changes) == 0 {
		return nil
	}
	encoded := make([]encodedChange, len(changes))
	errs := make([]error, len(changes))
	for i, c := range changes {
		encoded[i] = encodeChange(c)
	}
	s.applyEncoded(ctx, encoded, errs)
	return errs
}

func (s *Store) applyEncoded(ctx context.Context, encoded []encodedChange, errs []error) {
	const op = "apply changes"
	b, err := s.applyTogether(ctx, op, encoded)
	if half := len(encoded) / 2; half > 0 && errors.Is(err, errConstraint) {
		s.log.ErrorContext(ctx, "postgres: a change broke a rule of the schema; the rest is applied without it",
			"changes", len(encoded), "error", err)
		s.applyEncoded(ctx, encoded[:half], errs[:half])
		s.applyEncoded(ctx, encoded[half:], errs[half:])
		return
	}
	for i := range encoded {
		switch {
		case err != nil:
			errs[i] = err
		case b.outcomes[i].err != nil:
			errs[i] = translate("apply change", b.outcomes[i].err)
		default:
			b.outcomes[i].publish(encoded[i].change)
		}
	}
}

// applyTogether evaluates and writes the changes in one transaction, which locks and reads
// what they touch first. It returns the batch that was committed.
func (s *Store) applyTogether(ctx context.Context, op string, encoded []encodedChange) (b *batch, err error) {
	thorough := false
	try := func(asking context.Context) error {
		how := attempt{settings: s.settings + countedHere, prove: anyUnknown(encoded)}
		return s.writeWith(asking, op, how, func(asking context.Context, t *tx) error {
			b = newBatch(s.initial, encoded, thorough || anyUnknown(encoded))
			thorough = true // if this is not the last time
			if err := b.load(asking, t); err != nil {
				return err
			}
			if b.evaluate(); !b.writes() {
				return nil // all were refused, or are there
			}
			b.write(t)
			err := t.commit(ctx) // which may have ended while it was asked
			if t.unknown {
				markUnknown(encoded)
			}
			return err
		})
	}
	if err = try(ctx); err == nil || !anyUnknown(encoded) {
		return b, err
	}
	err = s.resolveUnknownCommit(ctx, err, try) // sets b
	return b, err
}

// batch is a slice of changes on its way into one transaction: what was read, as the
// changes so far have left it.
type batch struct {
	initial  aigen.Credits
	encoded  []encodedChange
	outcomes []outcome

	// thorough disables the optimisation below. Normally a generation with From == 0 is
	// assumed not to exist yet, so its lookup is skipped. If it does exist, a unique index
	// rejects the insert and the transaction is repeated with thorough set.
	thorough bool

	accounts    map[aigen.ID]*account
	generations map[aigen.ID]*generation
	runs        map[aigen.ID]*ledger.History
	grants      map[grantKey]bool
	keys        map[userKey]*keyState
	externals   map[userKey]aigen.ID // external ids that are taken, and by which generation
	entries     []ledger.Entry
}

// outcome of one change: why it was refused, or the position of its first event.
type outcome struct {
	err              error
	alreadyCommitted bool // written by a commit whose answer was lost
	position         int64
}

// accepted reports whether the change is to be written.
func (o outcome) accepted() bool { return o.err == nil && !o.alreadyCommitted }

// publish tells the caller's values what was committed.
func (o outcome) publish(c *app.Change) {
	c.Generation.Version = c.From + 1
	if c.Discard {
		return
	}
	for i := range c.Events {
		c.Events[i].Position = o.position + int64(i)
	}
}

func newBatch(initial aigen.Credits, encoded []encodedChange, thorough bool) *batch {
	return &batch{
		initial: initial, encoded: encoded, thorough: thorough, outcomes: make([]outcome, len(encoded)),
		accounts: map[aigen.ID]*account{}, generations: map[aigen.ID]*generation{}, runs: map[aigen.ID]*ledger.History{},
		grants: map[grantKey]bool{}, keys: map[userKey]*keyState{}, externals: map[userKey]aigen.ID{},
	}
}

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
