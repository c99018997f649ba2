package sqlite

import (
	"context"
	"errors"
	"fmt"

	aigen "github.com/creativeflow/aigen-orchestrator"
	"github.com/creativeflow/aigen-orchestrator/internal/app"
)

// Apply implements app.GenerationRepository.
//
// A change decides by reading whether it is refused, and writes after that, so that
// one which is refused has written nothing and needs no savepoint. Savepoints cost
// a copy of every page that a change touches; they are used only when a row broke
// a rule of the schema, a defect of ours: then the whole slice is done again, each
// change by itself.
func (s *Store) Apply(ctx context.Context, changes []*app.Change) []error {
	if len(changes) == 0 {
		return nil
	}
	b := &batch{initial: s.initial, changes: changes}
	err := s.write(ctx, "apply changes", b.apply)
	if errors.Is(err, errConstraint) && len(changes) > 1 {
		s.log.ErrorContext(ctx, "sqlite: a change broke a rule of the schema; each is applied by itself", "error", err)
		b.isolate = true
		err = s.write(ctx, "apply changes", b.apply)
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
	isolate  bool // each change behind a savepoint
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

func (b *batch) apply(ctx context.Context, c *session) error {
	b.outcomes = make([]outcome, len(b.changes))
	rows := newAccounts(c)
	for i, ch := range b.changes {
		w := writing{c: c, accounts: rows, book: newBook(c, b.initial), change: ch}
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
	book     *book
	change   *app.Change
}

func (w *writing) applyAlone(ctx context.Context) (int64, error) {
	if _, err := w.c.exec(ctx, `SAVEPOINT change`); err != nil {
		return 0, err
	}
	position, err := w.apply(ctx)
	if err != nil {
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
	taken, err := keyTaken(ctx, w.c, ch)
	if err != nil {
		return 0, err
	}
	if taken {
		return 0, app.ErrKeyTaken
	}
	for _, m := range ch.Movements {
		a, err := w.accounts.get(ctx, m.UserID)
		if err != nil {
			return 0, err
		}
		if err := w.book.add(ctx, a, m, m.RunID.String()); err != nil {
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
	g := w.change.Generation
	var done bool
	if w.change.Discard {
		done, err = removeGeneration(ctx, w.c, g.ID, w.change.From)
	} else {
		done, err = saveGeneration(ctx, w.c, g, w.change.From)
	}
	if err == nil && !done {
		return fmt.Errorf("generation %s is not at version %d: %w", g.ID, w.change.From, app.ErrVersionConflict)
	}
	return err
}

// rest writes what goes with the state. A generation that is discarded leaves no
// event and has nothing done outside: what its last verb recorded is not written.
func (w *writing) rest(ctx context.Context) (position int64, err error) {
	if !w.change.Discard {
		if position, err = w.trail(ctx); err != nil {
			return 0, err
		}
	}
	if err := w.book.save(ctx); err != nil {
		return 0, err
	}
	return position, saveKey(ctx, w.c, w.change)
}

// trail writes runs, events, deliveries and what operators did.
func (w *writing) trail(ctx context.Context) (position int64, err error) {
	ch := w.change
	if err := saveRuns(ctx, w.c, ch.Generation, ch.From); err != nil {
		return 0, err
	}
	if len(ch.Events) > 0 {
		a, err := w.accounts.get(ctx, ch.Generation.UserID)
		if err != nil {
			return 0, err
		}
		if position, err = saveEvents(ctx, w.c, a, ch.Events); err != nil {
			return 0, err
		}
	}
	for i := range ch.Deliveries {
		if err := insertDelivery(ctx, w.c, &ch.Deliveries[i]); err != nil {
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
