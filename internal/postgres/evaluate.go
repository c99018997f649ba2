package postgres

import (
	"fmt"
	"slices"
	"time"

	"github.com/creativeflow/aigen"
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

// account is a row of the table accounts: the ledger's account of a user, and the
// counter for the positions of the user's events.
type account struct {
	ledger.Account // Opened is false where the row is there for the counter alone

	user     aigen.ID
	position int64

	stored  bool // there is a row
	changed bool
}

// account returns a copy for the change at hand.
func (s *evaluation) account(user aigen.ID) *account {
	for _, own := range s.accounts {
		if own.user == user {
			return own
		}
	}
	own := &account{user: user}
	if before, ok := s.b.accounts[user]; ok {
		*own = *before
	}
	s.accounts = append(s.accounts, own)
	return own
}

type grantKey struct {
	user      aigen.ID
	reference string
}

// post applies a posting of the change at hand.
func (s *evaluation) post(p ledger.Posting) error {
	h := s.b.history(p)
	h.AddEntries(s.entries, p)
	entries, err := ledger.Post(&s.account(p.UserID).Account, s.b.initial, h, p)
	s.entries = append(s.entries, entries...)
	return err
}

// history is what was read of a posting's run or grant, and what the changes so far have
// added.
func (b *batch) history(p ledger.Posting) ledger.History {
	if p.Kind == ledger.Grant {
		return ledger.History{Granted: b.grants[grantKey{p.UserID, p.GrantReference()}]}
	}
	if h, ok := b.runs[p.RunID]; ok {
		return *h
	}
	return ledger.History{}
}

// keepEntries adds the entries of a change to the history of those after it.
func (b *batch) keepEntries(entries []ledger.Entry) {
	for i := range entries {
		e := &entries[i]
		switch {
		case e.OfRun():
			b.run(e.RunID).Add(&e.Posting)
		case e.Kind == ledger.Grant:
			b.grants[grantKey{e.UserID, e.GrantReference()}] = true
		}
	}
	b.entries = append(b.entries, entries...)
}

func (b *batch) run(id aigen.ID) *ledger.History {
	h, ok := b.runs[id]
	if !ok {
		h = new(ledger.History)
		b.runs[id] = h
	}
	return h
}

// generation is a row of the table generations as the changes so far have left it.
type generation struct {
	stored  int64        // its version in the table, 0 if it is not there
	status  aigen.Status // in the table
	version int64
	latest  *encodedChange // the last change, nil if there was none
	open    []int          // numbers of the runs whose reservation is not decided
	runs    []runRow
}

func (b *batch) generation(id aigen.ID) *generation {
	g, ok := b.generations[id]
	if !ok {
		g = new(generation)
		b.generations[id] = g
	}
	return g
}

// touched returns the runs that may have changed: a run whose reservation was
// decided before this step never changes again, so that a generation with many of
// them costs no more than one with few.
func (g *generation) touched(ch *app.Change) ([]runRow, error) {
	last := len(ch.Generation.Runs) - 1
	rows := make([]runRow, 0, 1)
	for i := range ch.Generation.Runs {
		r := &ch.Generation.Runs[i]
		if ch.From > 0 && i < last && r.Reservation.Ended() && !slices.Contains(g.open, r.Number) {
			continue
		}
		row, err := newRunRow(ch.Generation, r)
		if err != nil {
			return nil, err
		}
		rows = append(rows, row)
	}
	return rows, nil
}

// replace takes over what a change has made of g.
func (g *generation) replace(d *encodedChange, runs []runRow) {
	g.latest, g.version = d, d.change.From+1
	for _, row := range runs {
		same := func(other runRow) bool { return other.Number == row.Number }
		if i := slices.IndexFunc(g.runs, same); i >= 0 {
			g.runs[i] = row
		} else {
			g.runs = append(g.runs, row)
		}
		if !row.Reservation.Ended() && !slices.Contains(g.open, row.Number) {
			g.open = append(g.open, row.Number)
		}
	}
}

func (g *generation) discard(d *encodedChange) { g.latest, g.version, g.runs = d, 0, nil }

// value is what the last change has made of g.
func (g *generation) value() *aigen.Generation { return g.latest.change.Generation }

type userKey struct {
	user aigen.ID
	key  string
}

// keyState is an idempotency key as the changes so far have left it.
type keyState struct {
	stored  bool // there is a row
	touched bool
	expires time.Time      // zero: the key is free
	run     aigen.ID       // of the record
	record  *encodedChange // to be written
}

// keyTaken reports whether a record that has not expired stands in the way of ch's.
// What ch itself forgets does not: so an answer replaces the record of a request
// that was still open.
func (b *batch) keyTaken(ch *app.Change) bool {
	if ch.Record == nil {
		return false
	}
	k, ok := b.keys[userKey{ch.Record.UserID, ch.Record.Key}]
	return ok && !k.forgottenBy(ch, ch.Record.UserID, ch.Record.Key) && k.expires.UnixMicro() > ch.Record.CreatedAt.UnixMicro()
}

// forgottenBy reports whether ch frees this key. It must be the record that ch means:
// two requests that found the same one given up would else each free the key, the
// second one from what the first has put there.
func (k *keyState) forgottenBy(ch *app.Change, user aigen.ID, key string) bool {
	return ch.ForgetKey == key && ch.Generation.UserID == user && k.run == ch.ForgetRun
}

// keepKeys comes after keyTaken has found the key free or expired.
func (b *batch) keepKeys(d *encodedChange) {
	ch := d.change
	if ch.ForgetKey != "" {
		if k := b.key(userKey{ch.Generation.UserID, ch.ForgetKey}); k.run == ch.ForgetRun {
			k.touched, k.expires, k.run, k.record = true, time.Time{}, aigen.ID{}, nil
		}
	}
	if ch.Record != nil {
		k := b.key(userKey{ch.Record.UserID, ch.Record.Key})
		k.touched, k.expires, k.run, k.record = true, ch.Record.ExpiresAt, ch.Record.RunID, d
	}
}

func (b *batch) key(key userKey) *keyState {
	k, ok := b.keys[key]
	if !ok {
		k = new(keyState)
		b.keys[key] = k
	}
	return k
}
