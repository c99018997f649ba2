package postgres_test

import (
	"bytes"
	"net"
	"net/url"
	"strconv"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
)

// What a proxy does when it sees a COMMIT.
type proxyMode int

const (
	forward                proxyMode = iota
	dropBeforeCommit                 // the server does not get it
	dropAfterCommit                  // the server answers, and nobody hears it
	dropAfterCommitForGood           // and no new connection is taken
	holdCommitForGood                // likewise, but the server does not get it, and keeps its connection
	forgetAtCommit                   // the way forgets the connection: it stays open, and nothing comes through
)

// forGood are modes that stay until another is set.
func (m proxyMode) forGood() bool { return m == dropAfterCommitForGood || m == holdCommitForGood }

// proxy stands between the store and the server, and loses a connection when told to.
type proxy struct {
	listener net.Listener
	server   string

	mu    sync.Mutex
	mode  proxyMode
	hit   bool
	trips int  // messages of clients
	deaf  bool // requests to cancel a query are lost
	conns map[net.Conn]bool

	forgotten map[net.Conn]bool // of conns: open, and silent for good
	pings     int               // that silent ones did not answer
}

func startProxy(t *testing.T, server string) *proxy {
	t.Helper()
	u, err := url.Parse(server)
	require.NoError(t, err)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	p := &proxy{listener: l, server: net.JoinHostPort(u.Hostname(), orPort(u)), conns: map[net.Conn]bool{}, forgotten: map[net.Conn]bool{}}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() { p.serve(c) })
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		p.mu.Lock()
		for c := range p.conns {
			_ = c.Close()
		}
		p.mu.Unlock()
		wg.Wait()
	})
	return p
}

func (p *proxy) url(server string) string {
	u, _ := url.Parse(server)
	u.Host, u.RawQuery = p.listener.Addr().String(), "sslmode=disable"
	return u.String()
}

func (p *proxy) arm(m proxyMode) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.mode, p.hit = m, false
}

// count returns how many messages clients have sent since the last time.
func (p *proxy) count() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := p.trips
	p.trips = 0
	return n
}

// cut ends the connections of clients. The server does not notice until it reads or
// writes; that the driver asks it to cancel what it is at is lost too.
func (p *proxy) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.deaf = true
	for c := range p.conns {
		_ = c.Close()
	}
}

// hangUp ends the connections of clients; new ones are taken.
func (p *proxy) hangUp() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.conns {
		_ = c.Close()
	}
}

// forget makes all connections silent, as a firewall that has forgotten them, and says
// how many. New ones are well.
func (p *proxy) forget() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.conns {
		p.forgotten[c] = true
	}
	return len(p.conns)
}

func (p *proxy) forgot(c net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.forgotten[c]
}

// forgottenOpen is how many silent connections clients still hold.
func (p *proxy) forgottenOpen() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.forgotten)
}

func (p *proxy) unansweredPings() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.pings
}

func (p *proxy) fired() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.hit
}

// next says what to do about a COMMIT that was just seen.
func (p *proxy) next() proxyMode {
	p.mu.Lock()
	defer p.mu.Unlock()
	m := p.mode
	if m != forward {
		p.hit = true
	}
	if !m.forGood() {
		p.mode = forward
	}
	return m
}

func (p *proxy) track(c net.Conn, open bool) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if open {
		p.conns[c] = true
	} else {
		delete(p.conns, c)
		delete(p.forgotten, c)
	}
	return !open || !p.mode.forGood() || !p.hit
}

func (p *proxy) serve(client net.Conn) {
	defer client.Close()
	defer p.track(client, false)
	if !p.track(client, true) {
		return
	}
	server, err := net.Dial("tcp", p.server)
	if err != nil {
		return
	}
	defer server.Close()
	var mute sync.Mutex // held: the server's answer is not passed on, but waited for
	answered := make(chan struct{}, 1)
	silent := false
	ended := make(chan struct{}) // by the server
	go func() {
		defer close(ended)
		defer func() {
			if !p.forgot(client) {
				_ = client.Close()
			}
		}()
		buf := make([]byte, 64<<10)
		for {
			n, err := server.Read(buf)
			if err != nil {
				return
			}
			mute.Lock()
			if silent {
				mute.Unlock()
				answered <- struct{}{}
				return
			}
			if p.forgot(client) {
				mute.Unlock()
				continue
			}
			_, err = client.Write(buf[:n])
			mute.Unlock()
			if err != nil {
				return
			}
		}
	}()
	buf := make([]byte, 1<<20) // a message in one piece
	for {
		n, err := client.Read(buf)
		if err != nil {
			return
		}
		p.mu.Lock()
		p.trips++
		ignore := p.deaf && n == 16 && bytes.Equal(buf[4:8], []byte{0x04, 0xd2, 0x16, 0x2e}) // CancelRequest
		p.mu.Unlock()
		if ignore {
			return
		}
		if bytes.Contains(buf[:n], []byte("COMMIT\x00")) {
			switch p.next() {
			case forward:
			case forgetAtCommit:
				p.mu.Lock()
				p.forgotten[client] = true
				p.mu.Unlock()
			case dropBeforeCommit:
				return
			case holdCommitForGood:
				_ = client.Close()
				p.track(server, true) // it ends with the proxy, or by itself
				<-ended
				p.track(server, false)
				return
			case dropAfterCommit, dropAfterCommitForGood:
				mute.Lock()
				silent = true
				mute.Unlock()
				_, _ = server.Write(buf[:n])
				<-answered
				return
			}
		}
		if p.forgot(client) {
			if bytes.Contains(buf[:n], []byte("-- ping")) {
				p.mu.Lock()
				p.pings++
				p.mu.Unlock()
			}
			continue
		}
		if _, err := server.Write(buf[:n]); err != nil {
			return
		}
	}
}

func pid(t *testing.T, c *pgx.Conn) string {
	t.Helper()
	return strconv.Itoa(int(c.PgConn().PID()))
}
