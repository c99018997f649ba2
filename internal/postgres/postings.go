package postgres

import (
	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/ledger"
)

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
