package sqlite

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/app"
)

// Apply implements app.GenerationRepository.
//
// A change decides by reading whether it is refused, and writes after that, so that
// one which is refused has written nothing and needs no savepoint. Most of what it
// writes waits until the end of the batch and is written together.
//
// The first time, generations with From 0 are taken to be new, with their reservations:
// that saves looking for what is never there. If it was, or if a row broke a rule of
// the schema, a defect of ours, the whole slice is done again, nothing taken for new
// and each change by itself behind a savepoint, which costs a copy of every page that
// a change touches.
func (s *Store) Apply(ctx context.Context, changes []*app.Change) []error {
	if len(changes) == 0 {
		return nil
	}
	b := &batch{initial: s.initial, changes: changes}
	err := s.write(ctx, "apply changes", b.apply)
	if errors.Is(err, errConstraint) || errors.Is(err, errNotNew) {
		b.isolate = true
		first := err
		if err = s.write(ctx, "apply changes", b.apply); b.broken() {
			s.log.ErrorContext(ctx, "sqlite: a change broke a rule of the schema; the others were applied without it", "error", first)
		}
	}
	errs := make([]error, len(changes))
	for i, c := range changes {
		switch {
		case err != nil:
			errs[i] = err
		case b.outcomes[i].err != nil:
			errs[i] = translate("apply change", b.outcomes[i].err)
		default:
			b.outcomes[i].publish(c)
		}
	}
	return errs
}

// batch is a slice of changes on its way into one transaction.
type batch struct {
	initial  aigen.Credits
	changes  []*app.Change
	isolate  bool // each change behind a savepoint, and nothing is taken for new
	outcomes []outcome
}

// outcome of one change: why it was refused, or the position of its first event.
type outcome struct {
	err      error
	position int64
}

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

// broken reports whether a change broke a rule of the schema.
func (b *batch) broken() bool {
	return slices.ContainsFunc(b.outcomes, func(o outcome) bool { return breaksConstraint(o.err) })
}

func (b *batch) apply(ctx context.Context, c *session) error {
	b.outcomes = make([]outcome, len(b.changes))
	rows := newAccounts(c)
	if err := rows.read(ctx, b.changes); err != nil {
		return err
	}
	p := &pending{c: c}
	for i, ch := range b.changes {
		w := writing{c: c, accounts: rows, pending: p, change: ch, thorough: b.isolate}
		w.postings = postings{c: c, initial: b.initial, known: p.entries, fresh: ch.From == 0 && !w.thorough}
		do := w.apply
		if b.isolate {
			do = w.applyAlone
		}
		position, err := do(ctx)
		switch {
		case err == nil:
			rows.keep()
		case refused(err), b.isolate && breaksConstraint(err):
			rows.drop()
		default:
			return err
		}
		b.outcomes[i] = outcome{err, position}
	}
	if err := p.save(ctx); err != nil {
		return err
	}
	return rows.save(ctx)
}

// refused reports whether err is one that apply returns before it has written.
func refused(err error) bool {
	var e *aigen.Error
	return errors.Is(err, app.ErrVersionConflict) || errors.Is(err, app.ErrKeyTaken) || errors.As(err, &e)
}

// writing is one change on its way.
type writing struct {
	c        *session
	accounts *accounts
	pending  *pending
	postings postings
	change   *app.Change
	thorough bool
}

func (w *writing) applyAlone(ctx context.Context) (int64, error) {
	if _, err := w.c.exec(ctx, `SAVEPOINT change`); err != nil {
		return 0, err
	}
	position, err := w.apply(ctx)
	if err == nil {
		err = w.pending.save(ctx)
	}
	if err != nil {
		w.pending.drop()
		if _, undo := w.c.exec(ctx, `ROLLBACK TO change`); undo != nil {
			return 0, undo
		}
	}
	if _, release := w.c.exec(ctx, `RELEASE change`); release != nil {
		return 0, release
	}
	return position, err
}

// apply returns the position of the first event. The order matters: everything
// that can be refused comes first, the guarded update last of it.
func (w *writing) apply(ctx context.Context) (int64, error) {
	ch := w.change
	if w.pending.full() || w.pending.has(ch.Generation.ID) {
		if err := w.pending.save(ctx); err != nil {
			return 0, err
		}
		w.postings.known = nil
	}
	taken, err := keyTaken(ctx, w.c, ch)
	if err != nil {
		return 0, err
	}
	if taken {
		return 0, app.ErrKeyTaken
	}
	if taken, err = externalIDTaken(ctx, w.c, ch); err != nil {
		return 0, err
	} else if taken {
		return 0, app.ErrExternalIDTaken
	}
	for _, m := range ch.Postings {
		if err := w.postings.add(ctx, w.accounts.get(m.UserID), m); err != nil {
			return 0, w.outdated(ctx, err)
		}
	}
	if err := w.guard(ctx); err != nil {
		return 0, err
	}
	return w.rest(ctx)
}

// outdated finds out why a movement was refused. One that was decided on an old
// version (a refund of a run that was deducted meanwhile) is no fault of anybody:
// the step has to be decided anew.
func (w *writing) outdated(ctx context.Context, refusal error) error {
	id, from := w.change.Generation.ID, w.change.From
	if from == 0 || !refused(refusal) {
		return refusal
	}
	var version int64
	found, err := w.c.one(ctx, []any{&version}, `SELECT version FROM generations WHERE id = ?`, id[:])
	switch {
	case err != nil:
		return err
	case !found || version != from:
		return fmt.Errorf("generation %s is not at version %d: %w", id, from, app.ErrVersionConflict)
	}
	return refusal
}

// guard writes the state over the version that it was made from.
func (w *writing) guard(ctx context.Context) (err error) {
	g, from, done := w.change.Generation, w.change.From, true
	switch {
	case w.change.Discard:
		done, err = removeGeneration(ctx, w.c, g.ID, from)
	case from > 0:
		done, err = replaceGeneration(ctx, w.c, g, from)
	case w.thorough:
		done, err = w.unknown(ctx)
	}
	if err == nil && !done {
		return fmt.Errorf("generation %s is not at version %d: %w", g.ID, from, app.ErrVersionConflict)
	}
	return err
}

// unknown reports whether the generation is not there.
func (w *writing) unknown(ctx context.Context) (bool, error) {
	var one int
	found, err := w.c.one(ctx, []any{&one}, `SELECT 1 FROM generations WHERE id = ?`, w.change.Generation.ID[:])
	return !found, err
}

// rest writes what goes with the state. A generation that is discarded leaves no
// event and has nothing done outside: what its last verb recorded is not written.
func (w *writing) rest(ctx context.Context) (position int64, err error) {
	if !w.change.Discard {
		if position, err = w.trail(ctx); err != nil {
			return 0, err
		}
	}
	w.pending.entries = append(w.pending.entries, w.postings.entries...)
	return position, saveKey(ctx, w.c, w.change)
}

// trail writes a new state, runs, events, deliveries and what operators did.
func (w *writing) trail(ctx context.Context) (position int64, err error) {
	ch, p := w.change, w.pending
	p.ids = append(p.ids, ch.Generation.ID)
	if ch.From == 0 {
		row, err := generationRow(ch.Generation)
		if err != nil {
			return 0, err
		}
		p.generations, p.statuses = append(p.generations, row...), append(p.statuses, ch.Generation.Status)
	}
	if p.runs, err = changedRuns(ctx, w.c, p.runs, ch.Generation, ch.From); err != nil {
		return 0, err
	}
	if len(ch.Events) > 0 {
		p.events, position, err = eventRows(p.events, w.accounts.get(ch.Generation.UserID), ch.Events)
		if err != nil {
			return 0, err
		}
	}
	for i := range ch.Deliveries {
		p.deliveries = append(p.deliveries, deliveryRow(&ch.Deliveries[i])...)
	}
	for i := range ch.Assets {
		p.assets = append(p.assets, assetRow(&ch.Assets[i])...)
	}
	p.uses = useRows(p.uses, ch.Generation)
	p.removals = append(p.removals, ch.AssetRemovals...)
	for _, job := range ch.Withdrawn {
		if err := withdraw(ctx, w.c, job); err != nil {
			return 0, err
		}
	}
	for i := range ch.Actions {
		if err := insertAction(ctx, w.c, &ch.Actions[i]); err != nil {
			return 0, err
		}
	}
	return position, nil
}
