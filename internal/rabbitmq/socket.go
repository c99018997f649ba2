package rabbitmq

import (
	"net"
	"sync"
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

	mu        sync.Mutex
	gathering int // how many publish right now
	buffer    []byte
}

// bufferSize is what is gathered at most, in bytes: about forty jobs.
const bufferSize = 64 << 10

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
