package postgres

import (
	"context"
	"errors"
	"maps"
	"sync"

	"github.com/creativeflow/aigen"
)

// New generations need to know one thing of the database: the accounts of their users.
// This process often wrote them last. Then it guesses that they are as it left them, and
// writes all in one round trip, with a statement that fails if a guess was wrong:
// nothing was written then, and the changes go the sure way, which locks and reads.
//
// A guess only ever accepts. What it would refuse (no credits left) goes the sure way
// too, which alone may say so.

// writeAssumedAccounts writes accounts that are as they were guessed to be. Where one is not,
// it divides by zero: only an error ends a transaction of which all statements and the
// commit are on their way already.
const writeAssumedAccounts = `WITH written AS (
	UPDATE accounts a SET balance = n.balance, held = n.held, event_position = n.event_position
	FROM (SELECT unnest($1::uuid[]) AS user_id, unnest($2::bigint[]) AS balance, unnest($3::bigint[]) AS held,
		unnest($4::bigint[]) AS event_position, unnest($5::bigint[]) AS old_balance, unnest($6::bigint[]) AS old_held,
		unnest($7::bigint[]) AS old_position) n
	WHERE a.user_id = n.user_id AND a.balance IS NOT DISTINCT FROM n.old_balance AND a.held = n.old_held
		AND a.event_position = n.old_position
	RETURNING 1)
SELECT 1 / (count(*) = $8::bigint)::integer FROM written`

// tryOptimistic tries to write drafts in one round trip. It returns the batch that was
// committed. Without one and without an error the sure way is to be taken. If the drafts
// are doubtful then, cause says why.
func (s *Store) tryOptimistic(ctx context.Context, op string, drafts []encodedChange) (committed *batch, cause, err error) {
	users := usersOfNew(drafts)
	if users == nil {
		return nil, nil, nil
	}
	known := s.accountCache.acquire(users)
	if known == nil {
		return nil, nil, nil
	}
	b := newBatch(s.initial, drafts, false)
	b.assumed = known
	b.accounts = maps.Clone(known)
	b.evaluate()
	if b.refuses() {
		s.accountCache.release(users)
		return nil, nil, nil
	}
	unknown, err := s.try(ctx, attempt{settings: s.settings + countedHere}, func(ctx context.Context, t *tx) error {
		b.write(t)
		return t.commit(ctx)
	})
	s.accountCache.endOptimistic(users, b.accounts, err == nil)
	switch {
	case err == nil:
		return b, nil, nil
	case unknown:
		markUnknown(drafts)
		return nil, err, nil
	case errors.Is(kindOf(err), ErrBusy): // who has waited for a lock does not wait once more
		return nil, nil, translate(op, err)
	}
	s.log.DebugContext(ctx, "postgres: not as it was guessed to be", "changes", len(drafts), "error", err)
	return nil, nil, nil
}

// usersOfNew are the users of drafts that may be guessed at, each once; nil where one
// of the drafts needs to know more than accounts. Keys are taken to be free: if one is
// not, an index says so.
func usersOfNew(drafts []encodedChange) []aigen.ID {
	var n needs
	for i := range drafts {
		if ch := drafts[i].change; drafts[i].err != nil || drafts[i].commitUnknown || ch.Discard || ch.ForgetKey != "" {
			return nil
		}
		n.add(drafts[i].change, false)
	}
	if len(n.generations)+len(n.manyRuns)+len(n.bookings)+len(n.grants) > 0 {
		return nil
	}
	return distinct(n.users)
}

func distinct(users []aigen.ID) []aigen.ID {
	seen := make(map[aigen.ID]struct{}, len(users))
	list := make([]aigen.ID, 0, len(users))
	for _, u := range users {
		if _, ok := seen[u]; !ok {
			seen[u] = struct{}{}
			list = append(list, u)
		}
	}
	return list
}

// refuses reports whether any change was refused.
func (b *batch) refuses() bool {
	for _, o := range b.outcomes {
		if o.err != nil {
			return true
		}
	}
	return false
}

// accountCache are accounts as this process has last committed them.
type accountCache struct {
	mu       sync.Mutex
	current  map[aigen.ID]*account
	previous map[aigen.ID]*account // the young of before
	busy     map[aigen.ID]int      // transactions under way that may change the account

	// Where several replicas write the same accounts, guesses are wrong more often than
	// not, and each costs a transaction.
	pause  int // so many batches are not guessed at
	misses int // of late
}

const (
	accountCacheSize = 8192 // accounts in each of the two maps; 100 bytes or so for each
	maxMisses        = 10   // a pause is at most 2 to the power of this
)

// acquire begins a transaction with the accounts of users, if all are known and no other
// transaction has them. learn or leave ends it.
func (g *accountCache) acquire(users []aigen.ID) map[aigen.ID]*account {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.pause > 0 {
		g.pause--
		return nil
	}
	known := make(map[aigen.ID]*account, len(users))
	for _, u := range users {
		a, ok := g.current[u]
		if !ok {
			a, ok = g.previous[u]
		}
		if !ok || g.busy[u] > 0 {
			return nil
		}
		known[u] = a
	}
	g.begin(users)
	return known
}

// join begins a transaction that does not guess; learned or leave ends it.
func (g *accountCache) join(users []aigen.ID) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.begin(users)
}

func (g *accountCache) begin(users []aigen.ID) {
	if g.busy == nil {
		g.busy = map[aigen.ID]int{}
	}
	for _, u := range users {
		g.busy[u]++
	}
}

// release ends a transaction that has changed nothing.
func (g *accountCache) release(users []aigen.ID) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.end(users)
}

func (g *accountCache) end(users []aigen.ID) {
	for _, u := range users {
		if g.busy[u]--; g.busy[u] == 0 {
			delete(g.busy, u)
		}
	}
}

// endOptimistic ends a transaction that has guessed.
func (g *accountCache) endOptimistic(users []aigen.ID, accounts map[aigen.ID]*account, right bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.end(users)
	if !right {
		for _, u := range users {
			delete(g.current, u)
			delete(g.previous, u)
		}
		g.pause = 1 << g.misses
		g.misses = min(g.misses+1, maxMisses)
		return
	}
	g.misses /= 2
	g.store(accounts)
}

// endLocked ends a transaction that has read accounts, and committed what it made of them.
func (g *accountCache) endLocked(users []aigen.ID, accounts map[aigen.ID]*account) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.end(users)
	g.store(accounts)
}

// store keeps what was committed. Two transactions may come here in either order:
// positions only ever grow.
func (g *accountCache) store(accounts map[aigen.ID]*account) {
	if g.current == nil || len(g.current) >= accountCacheSize {
		g.previous, g.current = g.current, make(map[aigen.ID]*account, accountCacheSize/8)
	}
	for user, a := range accounts {
		if before, ok := g.current[user]; a.changed && (!ok || before.position <= a.position) {
			kept := *a
			kept.stored, kept.changed = true, false
			g.current[user] = &kept
		}
	}
}
