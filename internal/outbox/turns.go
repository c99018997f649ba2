package outbox

import (
	"cmp"
	"context"
	"slices"

	"github.com/creativeflow/aigen"
)

// turns lets the users whose jobs wait take turns: the user who was served longest ago is
// next. A backlog of one user therefore delays another user by at most one job for each
// slot, however long the backlog is.
//
// turns is for one goroutine, the one that claims for a queue.
type turns struct {
	store  Store
	served map[aigen.ID]int64 // number of the last turn of the user; absent: no turn yet
	last   int64
}

// turnsRemembered bounds the number of users in served. When it is reached all users count
// as new again, which costs each of them one turn at most.
const turnsRemembered = 10_000

// claim is ClaimDeliveries, except that it shares c.Limit among the users who wait.
func (t *turns) claim(ctx context.Context, c Claim) ([]Delivery, error) {
	var all []Delivery
	for len(all) < c.Limit {
		users, err := t.store.WaitingUsers(ctx, c.Queue, c.Now)
		if err != nil || len(users) == 0 {
			return all, nilIfClaimed(all, err)
		}
		slices.SortStableFunc(users, func(a, b aigen.ID) int { return cmp.Compare(t.served[a], t.served[b]) })
		got, err := t.round(ctx, c, users, c.Limit-len(all))
		all = append(all, got...)
		if err != nil || len(got) == 0 {
			return all, nilIfClaimed(all, err)
		}
	}
	return all, nil
}

// round gives each of the users, in order, an equal part of the room.
func (t *turns) round(ctx context.Context, c Claim, users []aigen.ID, room int) ([]Delivery, error) {
	var all []Delivery
	c.Limit = max(1, room/len(users))
	for _, user := range users[:min(len(users), room)] {
		c.User = user
		list, err := t.store.ClaimDeliveries(ctx, c)
		if err != nil {
			return all, err
		}
		if len(list) > 0 {
			t.serve(user)
		}
		all = append(all, list...)
	}
	return all, nil
}

func (t *turns) serve(user aigen.ID) {
	if len(t.served) >= turnsRemembered {
		t.served = nil
	}
	if t.served == nil {
		t.served = map[aigen.ID]int64{}
	}
	t.last++
	t.served[user] = t.last
}

// nilIfClaimed drops an error if rows were claimed before: those rows have to be delivered,
// and the next claim meets the error again.
func nilIfClaimed(claimed []Delivery, err error) error {
	if len(claimed) > 0 {
		return nil
	}
	return err
}
