package rabbitmq

import (
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// socket is the connection to the broker under the library's.
//
// It bounds each write: the library's publish heeds no context, and a broker that does
// not read would hold it for ever. And it can gather writes: the library hands over
// each message by itself, while a system call, a packet and a wake-up of the broker for
// each of many cost more than the messages.
type socket struct {
	net.Conn

	timeout time.Duration
	first   atomic.Int32 // byte that the broker said, and 1: what speaks there; 0: nothing yet

	mu        sync.Mutex
	gathering int // how many publish right now
	buffer    []byte
}

// bufferSize is what is gathered at most, in bytes: about forty jobs.
const bufferSize = 64 << 10

// Read implements net.Conn.
func (s *socket) Read(b []byte) (int, error) {
	n, err := s.Conn.Read(b)
	if n > 0 {
		s.first.CompareAndSwap(0, int32(b[0])+1)
	}
	return n, err
}

// speaks names another protocol than AMQP, by the first byte that came; "" if it may
// be AMQP. The library takes whatever comes for a frame of a strange size.
func (s *socket) speaks() string {
	switch s.first.Load() - 1 {
	case 0x15: // an alert: what we said is no handshake
		return "TLS"
	case 'H':
		return "HTTP"
	}
	return ""
}

// Write implements net.Conn.
func (s *socket) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.gathering > 0 && len(s.buffer)+len(b) <= bufferSize {
		s.buffer = append(s.buffer, b...)
		return len(b), nil
	}
	if err := s.flush(); err != nil {
		return 0, err
	}
	if err := s.SetWriteDeadline(time.Now().Add(s.timeout)); err != nil {
		return 0, err
	}
	return s.Conn.Write(b)
}

// gather lets what is written from here on wait for send. Each gather has one send.
func (s *socket) gather() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.gathering++
}

// send writes what has gathered. Others who gather just now lose nothing by it.
func (s *socket) send() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.gathering--
	return s.flush()
}

func (s *socket) flush() error {
	if len(s.buffer) == 0 {
		return nil
	}
	if err := s.SetWriteDeadline(time.Now().Add(s.timeout)); err != nil {
		return err
	}
	_, err := s.Conn.Write(s.buffer)
	s.buffer = s.buffer[:0]
	return err
}
