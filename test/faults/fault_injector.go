package faults

import (
	"errors"
	"sync"
	"time"
)

// faultInjector is how a scripted server treats its next calls. A fault that no call meets in
// its time is over: else a breaker, which lets one call through now and then, would meet
// old faults for ever.
type faultInjector struct {
	mu   sync.Mutex
	next []*injectedFault
}

type injectedFault struct {
	kind  Kind
	left  int
	until time.Time
	hit   bool
}

// misdeedLasts is how long a fault waits for its calls.
const misdeedLasts = 1500 * time.Millisecond

var errNoCall = errors.New("no call came in its time")

// inject lets the next n calls meet a fault, and comes back when its time is over.
func (m *faultInjector) inject(k Kind, n int, wait func(time.Duration)) error {
	d := &injectedFault{kind: k, left: n, until: time.Now().Add(misdeedLasts)}
	m.mu.Lock()
	m.next = append(m.next, d)
	m.mu.Unlock()
	wait(misdeedLasts)
	m.mu.Lock()
	defer m.mu.Unlock()
	if !d.hit {
		return errNoCall
	}
	return nil
}

func (m *faultInjector) stop() {
	m.mu.Lock()
	m.next = nil
	m.mu.Unlock()
}

// fault is what the call that is being answered meets.
func (m *faultInjector) fault() Kind {
	m.mu.Lock()
	defer m.mu.Unlock()
	for len(m.next) > 0 {
		d := m.next[0]
		if d.left == 0 || time.Now().After(d.until) {
			m.next = m.next[1:]
			continue
		}
		d.left--
		d.hit = true
		return d.kind
	}
	return ""
}
