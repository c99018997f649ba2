package faults

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
)

// heal undoes every fault: the injected ones are over, what is left are moods that no
// call met.
func (s *cluster) heal() error {
	if s.credits != nil {
		s.credits.stop()
	}
	s.notifications.stop()
	for _, r := range s.replicas {
		if err := r.setClock(0); err != nil {
			return err
		}
		if !until(s.ctx, time.Minute, r.isReady) {
			return fmt.Errorf("replica %d does not come back: %s", r.number, r.said(0))
		}
	}
	return nil
}

const unsettledQuery = `SELECT
	(SELECT count(*) FROM deliveries WHERE state = 'waiting') AS waiting,
	(SELECT count(*) FROM generations WHERE status IN ('Pending', 'ProcessingSamples', 'ProcessingFinal'%s)) AS busy,
	(SELECT count(*) FROM runs WHERE reservation IN ('pending', 'held', 'releasing')) AS undecided`

// unsettled counts choices too with SQLite: there they have a deadline of seconds, and one
// that passes after the streams have ended would be an event that nobody saw.
func (s *cluster) unsettled() string {
	more := ""
	if s.o.Store == SQLite {
		more = ", 'AwaitingSelection'"
	}
	return fmt.Sprintf(unsettledQuery, more)
}

// settle waits until nothing is under way any more. It returns "" or what still is when
// patience is over.
func (s *cluster) settle(db *sql.DB) string {
	var waiting, busy, undecided, last int
	calm, query := 0, s.unsettled()
	ok := until(s.ctx, settleAtMost, func() bool {
		if err := db.QueryRow(query).Scan(&waiting, &busy, &undecided); err != nil {
			return false
		}
		if waiting+busy+undecided > 0 {
			calm = 0
			if n := waiting + busy + undecided; n != last {
				last = n
			}
			return false
		}
		calm++
		return calm >= 3
	})
	if ok {
		return ""
	}
	return fmt.Sprintf("after %s there are %d rows in the outbox, %d generations being processed, %d reservations undecided",
		settleAtMost, waiting, busy, undecided)
}

// caughtUp waits until each person's stream has all there is.
func (s *cluster) caughtUp(db *sql.DB) {
	until(s.ctx, 30*time.Second, func() bool {
		ev := Observations{}
		if err := readDatabase(s.o.Store, db, &ev); err != nil {
			return false
		}
		s.records.mu.Lock()
		defer s.records.mu.Unlock()
		for _, seen := range s.records.Streams {
			g := ev.Generations[seen.Generation]
			switch {
			case seen.Generation == "" && int64(len(seen.IDs)) < ev.EventPosition[seen.User],
				g != nil && int64(len(seen.IDs)) < g.LastEvent:
				return false
			}
		}
		return true
	})
}

// readBroker counts what is left in the queue and reads the dead letters.
func readBroker(url string, ev *Observations) error {
	conn, err := amqp.Dial(url)
	if err != nil {
		return err
	}
	defer conn.Close()
	ch, err := conn.Channel()
	if err != nil {
		return err
	}
	q, err := ch.QueueDeclarePassive(jobQueue, true, false, false, false, nil)
	if err != nil {
		return err
	}
	ev.Queue = q.Messages
	for {
		m, ok, err := ch.Get(jobQueue+".dead", false)
		if err != nil || !ok {
			return err
		}
		reason, _ := m.Headers["x-first-death-reason"].(string)
		var j job
		if err := json.Unmarshal(m.Body, &j); err != nil {
			return err
		}
		ev.DeadLetters = append(ev.DeadLetters, DeadLetter{Job: j.JobID, Generation: j.GenerationID, Reason: reason})
	}
}

// readCredits is what the credit service holds.
func (c *creditService) read(ev *Observations) {
	c.book.Lock()
	defer c.book.Unlock()
	ev.CreditRuns, ev.CreditAccounts = map[string]CreditRun{}, map[string]Account{}
	for reference, r := range c.runs {
		ev.CreditRuns[reference] = CreditRun{r.state, r.user, r.generation, r.amount}
	}
	for user, a := range c.accounts {
		ev.CreditAccounts[user] = Account{a.balance, a.held}
	}
}

// gather brings the evidence together, after the replicas have ended.
func (s *cluster) gather(db *sql.DB, ev *Observations) error {
	s.records.mu.Lock()
	r := s.records
	ev.Records = Records{
		Calls: r.Calls, Streams: r.Streams, Jobs: r.Jobs, Reports: r.Reports, Credits: r.Credits,
		Notifications: r.Notifications, Faults: r.Faults, Deaths: r.Deaths, Odd: r.Odd,
	}
	s.records.mu.Unlock()
	if s.credits != nil {
		s.credits.read(ev)
	}
	if s.broker != nil {
		if err := readBroker(s.broker.URL(), ev); err != nil {
			return fmt.Errorf("read the broker: %w", err)
		}
	}
	return readDatabase(s.o.Store, db, ev)
}

// databaseAt is where the database is, without a line before it.
func (s *cluster) databaseAt() string {
	if s.o.Store == SQLite {
		return s.disk.path
	}
	return s.database.URL()
}

// logLines are the lines of the replicas' logs that name a generation.
func (s *cluster) logLines(ctx context.Context, ids map[string]bool) map[string][]timelineLine {
	found := map[string][]timelineLine{}
	for _, r := range s.replicas {
		raw, err := os.ReadFile(r.log())
		if err != nil || ctx.Err() != nil {
			continue
		}
		for _, line := range strings.Split(string(raw), "\n") {
			for id := range ids {
				if strings.Contains(line, id) {
					found[id] = append(found[id], logLine(r.number, line))
				}
			}
		}
	}
	return found
}

func logLine(replica int, line string) timelineLine {
	var v struct {
		Time       time.Time
		Level, Msg string
	}
	_ = json.Unmarshal([]byte(line), &v)
	return timelineLine{v.Time, fmt.Sprintf("replica %d", replica), "log " + line}
}
