package rabbitmq

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/creativeflow/aigen/internal/app"
	"github.com/creativeflow/aigen/internal/outbox"
)

// session is one connection with one channel in confirm mode.
type session struct {
	c       Config
	conn    *connection
	ch      *amqp.Channel
	ended   chan struct{} // the reader of confirms is through
	closed  chan *amqp.Error
	blocked chan amqp.Blocking
	back    func() // the broker takes messages again

	// write is held while a message is handed to the channel, so that numbers are
	// given in the order of publishing. It may be held for long where the network
	// is slow; mu never is, so that confirms are read meanwhile.
	write sync.Mutex

	mu       sync.Mutex
	next     uint64               // delivery tag of the next message
	open     map[uint64]*inFlight // by delivery tag
	returned map[string]string    // message id -> why the broker could not route it
	reason   string               // of the broker, while it takes no messages
	free     time.Time            // when it took messages again
	failure  error                // the session is over
}

// inFlight is a message that the broker has not answered for.
type inFlight struct {
	id   string
	sent time.Time
	once sync.Once
	done func(err error)
}

func (m *inFlight) end(err error) { m.once.Do(func() { m.done(err) }) }

func newSession(c Config, conn *connection, ch *amqp.Channel, back func()) *session {
	s := &session{
		c: c, conn: conn, ch: ch, back: back, ended: make(chan struct{}), next: 1,
		open: map[uint64]*inFlight{}, returned: map[string]string{},
		closed:  conn.NotifyClose(make(chan *amqp.Error, 1)),
		blocked: conn.NotifyBlocked(make(chan amqp.Blocking, 1)),
	}
	// Unbuffered, and read by one goroutine: a return is seen before the ack that
	// follows it.
	go s.read(ch.NotifyPublish(make(chan amqp.Confirmation)), ch.NotifyReturn(make(chan amqp.Return)))
	return s
}

// publish hands over jobs one by one. It blocks while the network does; when ctx ends
// those that are still open end with its error.
func (s *session) publish(ctx context.Context, jobs []app.JobMessage, done func(i int, err error)) {
	messages := make([]*inFlight, len(jobs))
	var left atomic.Int64
	left.Store(int64(len(jobs)))
	giveUp := make(chan func() bool, 1)
	for i := range jobs {
		messages[i] = &inFlight{id: jobs[i].JobID.String(), done: func(err error) {
			done(i, err)
			if left.Add(-1) == 0 {
				(<-giveUp)() // ctx may live as long as the process
			}
		}}
	}
	giveUp <- context.AfterFunc(ctx, func() {
		for _, m := range messages {
			m.end(fmt.Errorf("%w: given up before the broker confirmed: %w", outbox.ErrReturned, context.Cause(ctx)))
		}
	})
	s.conn.socket.gather()
	for i := range jobs {
		if err := s.send(ctx, &jobs[i], messages[i]); err != nil {
			messages[i].end(err)
		}
	}
	if err := s.conn.socket.send(); err != nil {
		// What was to be sent is lost in the middle. The session ends with the
		// connection, and all that is open with it.
		_ = s.conn.socket.Close()
	}
}

func (s *session) send(ctx context.Context, job *app.JobMessage, m *inFlight) error {
	s.write.Lock()
	defer s.write.Unlock()
	tag, err := s.register(m)
	if err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		s.forget(tag)
		return fmt.Errorf("%w: %w", outbox.ErrReturned, err)
	}
	err = s.ch.PublishWithContext(ctx, s.c.Exchange, s.c.Queue, true, false, message(job))
	if err != nil {
		s.forget(tag)
		return away(fmt.Errorf("publish: %w", translate(err)))
	}
	return nil
}

// message is the AMQP form of a job (contract section 3).
func message(j *app.JobMessage) amqp.Publishing {
	m := amqp.Publishing{
		ContentType: "application/json", DeliveryMode: amqp.Persistent, MessageId: j.JobID.String(),
		CorrelationId: j.GenerationID.String(), Type: string(j.Type), Timestamp: j.CreatedAt, AppId: appName, Body: j.Body,
	}
	if j.TraceParent != "" {
		m.Headers = amqp.Table{"traceparent": j.TraceParent}
	}
	return m
}

// register gives the message the number that the broker will confirm it by.
func (s *session) register(m *inFlight) (uint64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failure != nil {
		return 0, away(s.failure)
	}
	if s.reason != "" {
		return 0, away(blockedError(s.reason))
	}
	tag := s.next
	s.next++
	m.sent = time.Now()
	s.open[tag] = m
	return tag, nil
}

// forget takes back the last number: its message never left.
func (s *session) forget(tag uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.open, tag)
	s.next = tag
}

// read takes what the broker says of messages, until the channel ends.
func (s *session) read(confirms <-chan amqp.Confirmation, returns <-chan amqp.Return) {
	defer close(s.ended)
	for confirms != nil || returns != nil {
		select {
		case r, more := <-returns:
			if !more {
				returns = nil
				continue
			}
			s.mu.Lock()
			s.returned[r.MessageId] = fmt.Sprintf("%d %s", r.ReplyCode, r.ReplyText)
			s.mu.Unlock()
		case c, more := <-confirms:
			if !more {
				confirms = nil
				continue
			}
			s.confirmed(c)
		}
	}
}

func (s *session) confirmed(c amqp.Confirmation) {
	s.mu.Lock()
	m := s.open[c.DeliveryTag]
	delete(s.open, c.DeliveryTag)
	var why string
	var unroutable bool
	if m != nil {
		why, unroutable = s.returned[m.id]
		delete(s.returned, m.id)
	}
	s.mu.Unlock()
	switch {
	case m == nil: // it was given up
	case unroutable:
		m.end(fmt.Errorf("%w: %s (exchange %q, routing key %q)", ErrUnroutable, why, s.c.Exchange, s.c.Queue))
	case !c.Ack:
		m.end(ErrNacked)
	default:
		m.end(nil)
	}
}

// wait returns when the session is over, with the reason.
func (s *session) wait(ctx context.Context) error {
	channelClosed := s.ch.NotifyClose(make(chan *amqp.Error, 1))
	look := time.NewTicker(s.c.ConfirmTimeout / 10)
	defer look.Stop()
	for {
		select {
		case now := <-look.C:
			if s.overdue(now) {
				return s.over(fmt.Errorf("%w within %s", ErrUnconfirmed, s.c.ConfirmTimeout))
			}
		case <-ctx.Done():
			return s.over(ctx.Err())
		case b := <-s.blocked:
			s.block(b)
		case e := <-s.closed:
			return s.over(lost(e))
		case e := <-channelClosed:
			return s.over(lost(e))
		}
	}
}

// overdue reports whether the broker owes a confirm for too long. While an alarm blocks
// it, it reads nothing and confirms nothing: what is in flight goes on after that, and
// would be there twice if it were sent again.
func (s *session) overdue(now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.reason != "" || now.Sub(s.free) <= s.c.ConfirmTimeout {
		return false
	}
	for _, m := range s.open {
		if now.Sub(m.sent) > s.c.ConfirmTimeout {
			return true
		}
	}
	return false
}

// lost is why a connection ended by itself. The broker may have given no reason.
func lost(e *amqp.Error) error {
	if e == nil {
		return errors.New("the connection to the broker was lost")
	}
	return fmt.Errorf("the connection to the broker was lost: %w", translate(e))
}

func (s *session) block(b amqp.Blocking) {
	s.mu.Lock()
	s.reason = ""
	if b.Active {
		s.reason = b.Reason
		if s.reason == "" {
			s.reason = "no reason given"
		}
	} else {
		s.free = time.Now()
	}
	s.mu.Unlock()
	if !b.Active {
		s.back()
	}
}

func (s *session) blockedBy() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.reason != "" {
		return blockedError(s.reason)
	}
	return nil
}

// over ends what is in flight and the connection.
func (s *session) over(err error) error {
	s.mu.Lock()
	s.failure = err
	open := s.open
	s.open = map[uint64]*inFlight{}
	s.mu.Unlock()
	for _, m := range open {
		m.end(away(err))
	}
	s.close()
	return err
}

// close ends the connection. Confirms are read to the end: the library waits for that.
func (s *session) close() {
	s.conn.hangUp()
	<-s.ended
}
