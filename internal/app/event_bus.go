package app

import "github.com/creativeflow/aigen"

// EventBus carries events between the replicas of the service, so that the streams
// of one hear of what another wrote before they look into the store. It may lose
// anything at any time: the store has what counts, and streams find gaps by the
// numbers. No method blocks, none fails, and none calls the EventReceiver from
// within.
type EventBus interface {
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

// EventReceiver takes what an EventBus brings. It is the Service; it does not block.
type EventReceiver interface {
	// ReceiveEvents takes events of one user that another replica published.
	ReceiveEvents(events []aigen.Event)
	// CatchUp says that events of the user (zero: of all users) may have been missed:
	// the streams read the store once.
	CatchUp(user aigen.ID)
}

// ReceiveEvents implements EventReceiver.
func (s *Service) ReceiveEvents(events []aigen.Event) { s.hub.publish(events) }

// CatchUp implements EventReceiver.
func (s *Service) CatchUp(user aigen.ID) { s.hub.catchUp(user) }

// tell hands events to those who watch, here and at the other replicas.
func (s *Service) tell(events []aigen.Event) {
	if len(events) == 0 {
		return
	}
	s.hub.publish(events)
	s.bus.Publish(events)
}

// noBus stands where there is one process, or where the store is polled.
type noBus struct{}

func (noBus) Publish([]aigen.Event) {}
func (noBus) Follow(aigen.ID)       {}
func (noBus) Unfollow(aigen.ID)     {}
func (noBus) Live() bool            { return false }
