package postgres

import (
	"fmt"

	"github.com/creativeflow/aigen/internal/app"
	"github.com/creativeflow/aigen/internal/ledger"
)

// evaluate goes through the changes in order. It knows nothing of the database: all
// that it needs was read, and is locked.
func (b *batch) evaluate() {
	for i := range b.encoded {
		if b.outcomes[i].alreadyCommitted {
			continue
		}
		s := evaluation{b: b, encoded: &b.encoded[i]}
		position, err := s.run()
		b.outcomes[i] = outcome{err: err, position: position}
	}
}

// writes reports whether any change was taken that is not there.
func (b *batch) writes() bool {
	for _, o := range b.outcomes {
		if o.accepted() {
			return true
		}
	}
	return false
}

// evaluation is one change being decided. It works on copies, so that one that is refused
// leaves nothing behind.
type evaluation struct {
	b        *batch
	encoded  *encodedChange
	accounts []*account
	entries  []ledger.Entry
	runs     []runRow
}

// run returns the position of the first event.
func (s *evaluation) run() (position int64, err error) {
	ch := s.encoded.change
	if s.encoded.err != nil {
		return 0, s.encoded.err
	}
	if s.b.keyTaken(ch) {
		return 0, app.ErrKeyTaken
	}
	g := s.b.generation(ch.Generation.ID)
	// Before the movements: one that was decided on an old version (a refund of a run
	// that was deducted meanwhile) is no fault of anybody.
	if g.version != ch.From || (ch.Discard && ch.From == 0) {
		return 0, fmt.Errorf("generation %s is not at version %d: %w", ch.Generation.ID, ch.From, app.ErrVersionConflict)
	}
	external := userKey{ch.Generation.UserID, textArg(ch.Generation.Options.ExternalID)}
	if other, taken := s.b.externals[external]; taken && ch.From == 0 && external.key != "" && other != ch.Generation.ID {
		return 0, app.ErrExternalIDTaken
	}
	for _, m := range ch.Postings {
		if err := s.post(m); err != nil {
			return 0, err
		}
	}
	if !ch.Discard {
		if s.runs, err = g.touched(ch); err != nil {
			return 0, err
		}
		if len(ch.Events) > 0 {
			a := s.account(ch.Generation.UserID)
			position = a.position + 1
			a.position += int64(len(ch.Events))
		}
	}
	if ch.From == 0 && external.key != "" {
		s.b.externals[external] = ch.Generation.ID
	}
	s.accept(g)
	return position, nil
}

// accept makes what the step has done the state for those after it.
func (s *evaluation) accept(g *generation) {
	for _, own := range s.accounts {
		own.changed = true
		s.b.accounts[own.user] = own
	}
	s.b.keepEntries(s.entries)
	s.b.keepKeys(s.encoded)
	if s.encoded.change.Discard {
		g.discard(s.encoded)
		return
	}
	g.replace(s.encoded, s.runs)
}
