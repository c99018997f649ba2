package live

import "github.com/creativeflow/aigen"

// Bus carries events between the replicas of the service, so that the streams
// of one hear of what another wrote before they look into the store. It may lose
// anything at any time: the store has what counts, and streams find gaps by the
// numbers. No method blocks, none fails, and none calls the EventReceiver from
// within.
type Bus interface {
	// Publish hands what this replica has just written, and progress, to the others.
	Publish(events []aigen.Event)
	// Follow begins to bring the events of a user. From when on they come is said by
	// a call of CatchUp.
	Follow(user aigen.ID)
	// Unfollow ends it.
	Unfollow(user aigen.ID)
	// Live reports whether what other replicas publish arrives here. Each change of
	// it is followed by a call of CatchUp for whom it concerns.
	Live() bool
}

// Receiver takes what an EventBus brings. It is the Hub; it does not block.
type Receiver interface {
	// ReceiveEvents takes events of one user that another replica published.
	ReceiveEvents(events []aigen.Event)
	// CatchUp says that events of the user (zero: of all users) may have been missed:
	// the streams read the store once.
	CatchUp(user aigen.ID)
}

// nopBus stands where there is one process, or where the store is polled.
type nopBus struct{}

func (nopBus) Publish([]aigen.Event) {}
func (nopBus) Follow(aigen.ID)       {}
func (nopBus) Unfollow(aigen.ID)     {}
func (nopBus) Live() bool            { return false }
