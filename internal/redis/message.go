package redis

import (
	"encoding/json"
	"errors"
	"strings"
	"time"

	"github.com/creativeflow/aigen"
)

// A message on a user's channel is one byte that says what it is, the id of the
// replica that sent it, and the events as JSON. The first 17 bytes are enough to
// leave alone what is one's own.
const (
	kindEvents = 'e' // the events follow
	kindNudge  = 'n' // there are events: read the store

	headerLength = 1 + len(aigen.ID{})
	// maxMessage bounds a message. Pictures may bring 16 KiB of metadata each: such
	// events are fetched from the store by those who need them, instead of lying in
	// Redis's buffers for each replica.
	maxMessage = 32 << 10
)

// errMessage is returned for a message that this version cannot read.
var errMessage = errors.New("not a message of this version")

// wireEvent is an event in a message. Its user is that of the channel.
type wireEvent struct {
	Generation aigen.ID        `json:"generation"`
	Seq        int64           `json:"seq,omitempty"`
	Position   int64           `json:"position,omitempty"`
	Type       aigen.EventType `json:"type"`
	At         time.Time       `json:"at"`
	Data       aigen.EventData `json:"data"`
}

// message is what is sent to those who follow a user.
type message struct {
	user    aigen.ID
	payload []byte
	passing bool // holds nothing that the store has: lost is lost
}

func header(kind byte, origin aigen.ID) []byte { return append([]byte{kind}, origin[:]...) }

func nudge(origin, user aigen.ID) message {
	return message{user: user, payload: header(kindNudge, origin)}
}

// newMessage makes the message of events of one user.
func newMessage(origin, user aigen.ID, events []aigen.Event) message {
	m := message{user: user, passing: true}
	wire := make([]wireEvent, len(events))
	for i, e := range events {
		wire[i] = wireEvent{e.GenerationID, e.Seq, e.Position, e.Type, e.At, e.Data}
		m.passing = m.passing && e.Position == 0
	}
	body, err := json.Marshal(wire)
	if err != nil || len(body) > maxMessage {
		return nudge(origin, user)
	}
	m.payload = append(header(kindEvents, origin), body...)
	return m
}

// read takes a message apart. own: this replica sent it. No events and no error: a
// nudge.
func read(origin, user aigen.ID, payload string) (events []aigen.Event, own bool, err error) {
	if len(payload) < headerLength {
		return nil, false, errMessage
	}
	if payload[1:headerLength] == string(origin[:]) {
		return nil, true, nil
	}
	switch payload[0] {
	case kindNudge:
		return nil, false, nil
	case kindEvents:
	default:
		return nil, false, errMessage
	}
	var wire []wireEvent
	if err := json.Unmarshal([]byte(payload[headerLength:]), &wire); err != nil {
		return nil, false, errors.Join(errMessage, err)
	}
	events = make([]aigen.Event, len(wire))
	for i, e := range wire {
		events[i] = aigen.Event{
			GenerationID: e.Generation, UserID: user, Seq: e.Seq, Position: e.Position, Type: e.Type, At: e.At.UTC(), Data: e.Data,
		}
	}
	return events, false, nil
}

// channel is the channel of a user.
func (c *Client) channel(user aigen.ID) string { return c.scope + ":" + user.String() }

// userOf is the user of a channel; false for that which has none.
func (c *Client) userOf(channel string) (aigen.ID, bool) {
	id, err := aigen.ParseID(strings.TrimPrefix(channel, c.scope+":"))
	return id, err == nil
}
