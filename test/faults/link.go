package faults

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strings"
	"sync"
	"time"

	toxiproxy "github.com/Shopify/toxiproxy/v2"
	"github.com/rs/zerolog"
)

// link is a way between two parties with toxiproxy on it. Its address stays the same.
// One fault at a time: another one waits for its turn.
type link struct {
	name     string
	addr     string
	upstream string
	server   *toxiproxy.ApiServer
	holder   *impairmentHolder

	busy  sync.Mutex // a fault is on it
	proxy *toxiproxy.Proxy
}

func newToxiproxy() *toxiproxy.ApiServer {
	return toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop())
}

// openLink starts a line to upstream, host:port.
func openLink(server *toxiproxy.ApiServer, name, upstream string) (*link, error) {
	name = fmt.Sprintf("%s %x", name, rand.Uint64()) // several runs may be in one process
	v, _ := moods.LoadOrStore(name, new(impairmentHolder))
	l := &link{name: name, addr: "127.0.0.1:0", upstream: upstream, server: server, holder: v.(*impairmentHolder)}
	return l, l.open(false)
}

// open listens. rst: connections end with RST where they are cut off.
func (l *link) open(rst bool) error {
	p := toxiproxy.NewProxy(l.server, l.name, l.addr, l.upstream)
	for _, direction := range []string{"upstream", "downstream"} {
		toxics := []string{fmt.Sprintf(`{"name":%q,"type":%q,"stream":%q,"attributes":{"line":%q}}`,
			"fault "+direction, faultToxicType, direction, l.name)}
		if rst {
			// It never acts, as its toxicity is 0; being there makes toxiproxy close with RST.
			toxics = append(toxics, fmt.Sprintf(`{"name":%q,"type":"reset_peer","stream":%q,"toxicity":0}`, "rst "+direction, direction))
		}
		for _, toxic := range toxics {
			if _, err := p.Toxics.AddToxicJson(strings.NewReader(toxic)); err != nil {
				return err
			}
		}
	}
	// The port may be in TIME_WAIT's way for a moment.
	var err error
	for range 50 {
		if err = p.Start(); err == nil {
			l.proxy, l.addr = p, p.Listen
			return nil
		}
		time.Sleep(20 * time.Millisecond)
	}
	return fmt.Errorf("line %s: %w", l.name, err)
}

// afflict does what the fault says and comes back when it is over.
func (l *link) afflict(f Fault, wait func(time.Duration)) error {
	l.busy.Lock()
	defer l.busy.Unlock()
	defer l.holder.Store(nil)
	switch f.Kind {
	case Cut:
		l.proxy.Stop()
		wait(f.For)
		return l.open(false)
	case Reset:
		l.holder.Store(&impairment{bytes: int64(f.Amount) + 1})
		l.proxy.Stop()
		if err := l.open(true); err != nil {
			return err
		}
		wait(f.For)
		l.proxy.Stop()
		l.holder.Store(nil)
		return l.open(false)
	case Slow:
		delay := time.Duration(f.Amount) * time.Millisecond
		l.holder.Store(&impairment{delay: delay / 2, jitter: delay})
	case HalfOpen:
		l.holder.Store(&impairment{drop: true, forGood: f.Amount > 0})
	case Trickle:
		l.holder.Store(&impairment{rate: f.Amount})
	default:
		return fmt.Errorf("%s is no fault of a line", f.Kind)
	}
	wait(f.For)
	return nil
}

func (l *link) close() {
	l.busy.Lock()
	defer l.busy.Unlock()
	l.proxy.Stop()
}

// freePort is a port outside of the range that the kernel hands out, so that it is
// still free when a replica comes back to it.
func freePort() (int, error) {
	for range 200 {
		port := 20_000 + rand.IntN(10_000)
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil {
			continue
		}
		return port, l.Close()
	}
	return 0, errors.New("no free port between 20000 and 30000")
}
