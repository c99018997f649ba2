package faults

import (
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/Shopify/toxiproxy/v2/stream"
	"github.com/Shopify/toxiproxy/v2/toxics"
)

// faultToxic is the one toxic that each line has in each direction, from its start to
// its end; what it does at the moment is its line's mood. Toxics that are added and
// removed while data flows make toxiproxy wait for links whose other end is gone.
type faultToxic struct {
	Line string `json:"line"`
}

const faultToxicType = "aigen_fault"

// moods are by the name of the line: toxiproxy makes toxics from JSON by itself.
var moods sync.Map

func init() { //nolint:gochecknoinits // toxiproxy knows toxics by a registry alone
	toxics.Register(faultToxicType, new(faultToxic))
}

// impairment is what a line does to data: delay it, drop it, cut it off, or let it drip.
type impairment struct {
	delay, jitter time.Duration
	drop          bool
	forGood       bool
	bytes         int64 // > 0: then the connection is cut off
	rate          int   // bytes a second
}

type impairmentHolder struct{ atomic.Pointer[impairment] }

func (m *impairmentHolder) get() impairment {
	if p := m.Load(); p != nil {
		return *p
	}
	return impairment{}
}

// Pipe implements toxics.Toxic.
func (t *faultToxic) Pipe(stub *toxics.ToxicStub) {
	v, _ := moods.LoadOrStore(t.Line, new(impairmentHolder))
	l := &toxicLink{holder: v.(*impairmentHolder), stub: stub}
	var over <-chan time.Time // looks whether the silence is over
	for {
		if l.dropped && over == nil {
			tick := time.NewTicker(50 * time.Millisecond)
			defer tick.Stop()
			over = tick.C
		}
		select {
		case <-stub.Interrupt:
			return
		case <-over:
			if m := l.holder.get(); !m.drop && !l.forGood {
				l.end()
				return
			}
		case c := <-stub.Input:
			if c == nil || !l.pass(c) {
				l.end()
				return
			}
		}
	}
}

// toxicLink is one direction of one connection.
type toxicLink struct {
	holder  *impairmentHolder
	stub    *toxics.ToxicStub
	dropped bool
	forGood bool  // the connection stays silent when the line speaks again
	passed  int64 // while bytes are counted
}

// pass hands a piece on as the mood wants. false: the connection ends.
func (l *toxicLink) pass(c *stream.StreamChunk) bool {
	m := l.holder.get()
	switch {
	case m.drop || l.forGood:
		l.dropped, l.forGood = true, l.forGood || m.forGood
		return true
	case l.dropped:
		return false // what is missing cannot be made up for
	case m.bytes > 0:
		if l.passed+int64(len(c.Data)) >= m.bytes {
			l.send(c.Data[:max(0, m.bytes-l.passed)], c.Timestamp)
			return false
		}
		l.passed += int64(len(c.Data))
	case m.rate > 0:
		return l.drip(c, m.rate)
	case m.delay > 0:
		time.Sleep(m.delay + rand.N(m.jitter+1))
	}
	return l.send(c.Data, c.Timestamp)
}

func (l *toxicLink) drip(c *stream.StreamChunk, rate int) bool {
	size := max(1, rate/50)
	for rest := c.Data; len(rest) > 0; {
		n := min(size, len(rest))
		if l.holder.get().rate == 0 {
			n = len(rest) // over
		}
		if !l.send(rest[:n], c.Timestamp) {
			return false
		}
		if rest = rest[n:]; len(rest) > 0 {
			time.Sleep(20 * time.Millisecond)
		}
	}
	return true
}

// send gives up on an end that takes nothing any more: toxiproxy does not say so.
func (l *toxicLink) send(data []byte, at time.Time) bool {
	if len(data) == 0 {
		return true
	}
	select {
	case l.stub.Output <- &stream.StreamChunk{Data: data, Timestamp: at}:
		return true
	default:
	}
	timeout := time.NewTimer(20 * time.Second)
	defer timeout.Stop()
	select {
	case l.stub.Output <- &stream.StreamChunk{Data: data, Timestamp: at}:
		return true
	case <-timeout.C:
		return false
	}
}

// end closes the link and takes what still comes, so that its reader can end.
func (l *toxicLink) end() {
	l.stub.Close()
	go func() {
		for {
			select {
			case <-l.stub.Interrupt:
				return
			case c := <-l.stub.Input:
				if c == nil {
					return
				}
			}
		}
	}()
}
