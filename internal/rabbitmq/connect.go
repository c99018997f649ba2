package rabbitmq

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strings"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
)

const appName = "aigen"

// connect opens a connection and makes sure that exchange and queues are there.
func (p *Publisher) connect(ctx context.Context) (*session, error) {
	conn, err := dial(ctx, p.c)
	if err != nil {
		return nil, err
	}
	ch, err := prepare(conn, p.c)
	if err != nil {
		conn.hangUp()
		return nil, err
	}
	return newSession(p.c, conn, ch, p.recovered), nil
}

// connection is the library's, with the socket under it.
type connection struct {
	*amqp.Connection

	socket *socket
}

// hangUp closes the connection, which may be closed already. A broker that is paused,
// or waits for a queue of its own, does not answer to that but may send heartbeats,
// for which the library would go on waiting: after a second the socket goes.
func (c *connection) hangUp() {
	cut := time.AfterFunc(time.Second, func() { _ = c.socket.Close() })
	defer cut.Stop()
	_ = c.Close()
}

func dial(ctx context.Context, c Config) (*connection, error) {
	properties := amqp.NewConnectionProperties()
	properties.SetClientConnectionName(appName)
	properties["product"], properties["version"] = appName, c.Version
	var under *socket
	conn, err := amqp.DialConfig(c.URL, amqp.Config{
		Heartbeat: c.Heartbeat, Properties: properties,
		Dial: func(network, address string) (_ net.Conn, err error) {
			under, err = dialTCP(ctx, c, network, address)
			return under, err
		},
	})
	if err != nil {
		return nil, fmt.Errorf("connect to the broker of RABBITMQ_URL: %w", notAMQP(c.URL, under, translate(err)))
	}
	return &connection{conn, under}, nil
}

// notAMQP says what speaks at the port instead, where that is the cause.
func notAMQP(url string, under *socket, err error) error {
	if under == nil || strings.HasPrefix(url, "amqps:") {
		return err
	}
	switch under.speaks() {
	case "TLS":
		return fmt.Errorf("TLS is spoken at this port: write amqps:// in RABBITMQ_URL, or take the port without TLS (5672): %w", err)
	case "HTTP":
		return fmt.Errorf("HTTP is spoken at this port: take that of AMQP in RABBITMQ_URL (5672, with TLS 5671): %w", err)
	}
	return err
}

func dialTCP(ctx context.Context, c Config, network, address string) (*socket, error) {
	d := net.Dialer{Timeout: c.DialTimeout}
	conn, err := d.DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	// For the handshake; the library takes it back.
	if err := conn.SetDeadline(time.Now().Add(c.DialTimeout)); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return &socket{Conn: conn, timeout: c.WriteTimeout}, nil
}

// prepare opens a channel in confirm mode and declares the topology on it.
func prepare(conn *connection, c Config) (*amqp.Channel, error) {
	ch, err := conn.Channel()
	if err != nil {
		return nil, fmt.Errorf("open a channel: %w", translate(err))
	}
	if err := declare(ch, c); lacksRight(err) {
		// A user without the right to configure works on queues that are there. The
		// refusal has closed the channel.
		if ch, err = conn.Channel(); err != nil {
			return nil, fmt.Errorf("open a channel: %w", translate(err))
		}
		if err := lookFor(ch, c); err != nil {
			return nil, err
		}
	} else if err != nil {
		return nil, named(err)
	}
	if err := ch.Confirm(false); err != nil {
		return nil, fmt.Errorf("publisher confirms: %w", translate(err))
	}
	return ch, nil
}

// deliveryLimit is how often the broker hands out a job that comes back before it is a
// dead letter. It is the default of RabbitMQ 4; 3 has none, and there a workflow that
// fails on a job would get it again without end. A job comes back by basic.reject with
// requeue, or when the channel or the connection of its consumer closes. From RabbitMQ
// 4.3 on basic.nack with requeue does not count: an engine has to reject.
const deliveryLimit = 20

// declare makes what is missing (contract section 3). The arguments are those of the
// contract and no more, since a queue with others cannot be declared again.
func declare(ch *amqp.Channel, c Config) error {
	dead := c.Queue + ".dead"
	quorum := amqp.Table{amqp.QueueTypeArg: amqp.QueueTypeQuorum}
	if _, err := ch.QueueDeclare(dead, true, false, false, false, quorum); err != nil {
		return mismatch("queue", dead, "a durable quorum queue without further arguments", err)
	}
	_, err := ch.QueueDeclare(c.Queue, true, false, false, false, amqp.Table{
		amqp.QueueTypeArg:           amqp.QueueTypeQuorum,
		"x-dead-letter-exchange":    "",
		"x-dead-letter-routing-key": dead,
		"x-delivery-limit":          int32(deliveryLimit),
	})
	if err != nil {
		return mismatch("queue", c.Queue, fmt.Sprintf(
			"a durable quorum queue with x-dead-letter-exchange \"\", x-dead-letter-routing-key %q and x-delivery-limit %d", dead, deliveryLimit), err)
	}
	if c.Exchange == "" {
		return nil
	}
	if err := ch.ExchangeDeclare(c.Exchange, amqp.ExchangeDirect, true, false, false, false, nil); err != nil {
		return mismatch("exchange", c.Exchange, "a durable direct exchange", err)
	}
	if err := ch.QueueBind(c.Queue, c.Queue, c.Exchange, false, nil); err != nil {
		return fmt.Errorf("bind queue %q to exchange %q: %w", c.Queue, c.Exchange, err)
	}
	return nil
}

// lookFor makes sure that what declare would make is there. With which arguments, and
// whether the exchange leads to the queue, cannot be asked: whoever made them has to know.
func lookFor(ch *amqp.Channel, c Config) error {
	missing := func(what, name string, err error) error {
		var e *amqp.Error
		if errors.As(err, &e) && e.Code == amqp.NotFound {
			return fmt.Errorf("%w: the user of RABBITMQ_URL has no right to configure, and there is no %s %q: make it, or give the right", ErrRefused, what, name)
		}
		return fmt.Errorf("look for %s %q: %w", what, name, translate(err))
	}
	for _, queue := range []string{c.Queue, c.Queue + ".dead"} {
		if _, err := ch.QueueDeclarePassive(queue, true, false, false, false, nil); err != nil {
			return missing("queue", queue, err)
		}
	}
	if c.Exchange == "" {
		return nil
	}
	if err := ch.ExchangeDeclarePassive(c.Exchange, amqp.ExchangeDirect, true, false, false, false, nil); err != nil {
		return missing("exchange", c.Exchange, err)
	}
	return nil
}

// named is a fault of declare in our words.
func named(err error) error {
	if errors.Is(err, ErrMismatch) {
		return err
	}
	return fmt.Errorf("%w", translate(err))
}

// mismatch makes the broker's refusal of a declaration one that says what to do.
func mismatch(what, name, want string, err error) error {
	var e *amqp.Error
	if !errors.As(err, &e) || e.Code != amqp.PreconditionFailed {
		return fmt.Errorf("declare %s %q: %w", what, name, err)
	}
	return fmt.Errorf("%w: %s %q is not %s: delete it when it is empty, or name another by GENERATION_JOB_QUEUE or GENERATION_JOB_EXCHANGE. The broker says: %s",
		ErrMismatch, what, name, want, e.Reason)
}

// pause waits before attempt number try, from half of the delay to all of it, so that
// replicas do not come back at the same moment; false when ctx ended.
func pause(ctx context.Context, least, most time.Duration, try int) bool {
	d := most
	if try < 16 && least<<try < most {
		d = least << try
	}
	timer := time.NewTimer(d/2 + rand.N(d/2+1)) //nolint:gosec // G404: spreads retries, guards nothing
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
