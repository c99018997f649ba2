package postgres

import (
	"context"
	"errors"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/app"
)

// Apply implements app.GenerationRepository.
//
// It takes two round trips, whatever the number of changes. The first locks and
// reads what they touch. Then they are decided one after the other in memory, under
// the locks, so that one that is refused is left out and the next sees what the one
// before it did. The second writes the sum of it, a statement for each table, and
// commits. The first is left out where what it would read can be guessed: optimistic.go.
//
// A row that breaks a rule of the schema is a defect of ours. It fails the whole
// transaction, and then the slice is halved until the change stands alone; the
// others are written.
func (s *Store) Apply(ctx context.Context, changes []*app.Change) []error {
	if len(changes) == 0 {
		return nil
	}
	drafts := make([]encodedChange, len(changes))
	errs := make([]error, len(changes))
	for i, c := range changes {
		drafts[i] = encodeChange(c)
	}
	s.applyDrafts(ctx, drafts, errs)
	return errs
}

func (s *Store) applyDrafts(ctx context.Context, drafts []encodedChange, errs []error) {
	const op = "apply changes"
	b, err := s.applyTogether(ctx, op, drafts)
	if half := len(drafts) / 2; half > 0 && errors.Is(err, errConstraint) {
		s.log.ErrorContext(ctx, "postgres: a change broke a rule of the schema; the rest is applied without it",
			"changes", len(drafts), "error", err)
		s.applyDrafts(ctx, drafts[:half], errs[:half])
		s.applyDrafts(ctx, drafts[half:], errs[half:])
		return
	}
	for i := range drafts {
		switch {
		case err != nil:
			errs[i] = err
		case b.outcomes[i].err != nil:
			errs[i] = translate("apply change", b.outcomes[i].err)
		default:
			b.outcomes[i].publish(drafts[i].change)
		}
	}
}

// applyTogether decides and writes in one transaction. It returns the batch that was
// committed.
func (s *Store) applyTogether(ctx context.Context, op string, drafts []encodedChange) (b *batch, err error) {
	b, cause, err := s.tryOptimistic(ctx, op, drafts)
	if b != nil || err != nil {
		return b, err
	}
	users := usersOf(drafts)
	s.accountCache.join(users)
	if b, err = s.applyLocked(ctx, op, drafts, cause); err != nil {
		s.accountCache.release(users)
		return b, err
	}
	s.accountCache.endLocked(users, b.accounts)
	return b, nil
}

// applyLocked locks and reads before it decides. If drafts are doubtful, cause says why.
func (s *Store) applyLocked(ctx context.Context, op string, drafts []encodedChange, cause error) (b *batch, err error) {
	thorough := false
	try := func(asking context.Context) error {
		how := attempt{settings: s.settings + countedHere, prove: anyUnknown(drafts)}
		return s.writeWith(asking, op, how, func(asking context.Context, t *tx) error {
			b = newBatch(s.initial, drafts, thorough || anyUnknown(drafts))
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
				markUnknown(drafts)
			}
			return err
		})
	}
	if !anyUnknown(drafts) {
		if err = try(ctx); err == nil || !anyUnknown(drafts) {
			return b, err
		}
		cause = err
	}
	err = s.resolveUnknownCommit(ctx, cause, try) // which sets b
	return b, err
}

// load locks and reads what the changes touch.
func (b *batch) load(ctx context.Context, t *tx) error {
	b.read(t)
	if err := t.send(ctx); err != nil {
		return err
	}
	if !anyUnknown(b.drafts) {
		return nil
	}
	b.findCommitted(t)
	return t.send(ctx)
}

// usersOf are the users whose accounts the drafts may change.
func usersOf(drafts []encodedChange) []aigen.ID {
	var n needs
	for i := range drafts {
		n.add(drafts[i].change, false)
	}
	return distinct(n.users)
}

// batch is a slice of changes on its way into one transaction: what was read, as the
// changes so far have left it.
type batch struct {
	initial  aigen.Credits
	drafts   []encodedChange
	outcomes []outcome

	// thorough makes nothing be taken for new. The first time, generations with From
	// 0 are, with their reservations, which saves looking for what is never there. If
	// it was, an index refuses it, and the transaction is done again.
	thorough bool

	assumed map[aigen.ID]*account // nil where they were read, and are locked

	accounts    map[aigen.ID]*account
	generations map[aigen.ID]*generation
	bookings    map[aigen.ID]*booking
	grants      map[grantKey]bool
	keys        map[userKey]*keyState
	entries     []entry
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

func newBatch(initial aigen.Credits, drafts []encodedChange, thorough bool) *batch {
	return &batch{
		initial: initial, drafts: drafts, thorough: thorough, outcomes: make([]outcome, len(drafts)),
		accounts: map[aigen.ID]*account{}, generations: map[aigen.ID]*generation{}, bookings: map[aigen.ID]*booking{},
		grants: map[grantKey]bool{}, keys: map[userKey]*keyState{},
	}
}
