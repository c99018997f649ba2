package app

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/ledger"
	"github.com/creativeflow/aigen/internal/outbox"
)

// complete turns what the verbs recorded into what the store writes: events,
// deliveries and movements of the ledger.
func (s *Service) complete(c *Change) error {
	events, effects := c.Generation.Drain()
	c.Events = append(c.Events, events...)
	s.expireAssets(c)
	for _, e := range effects {
		if err := s.applyEffect(c, e); err != nil {
			return fmt.Errorf("generation %s, %s: %w", c.Generation.ID, e.Kind, err)
		}
	}
	return nil
}

func (s *Service) applyEffect(c *Change, e aigen.Effect) error {
	switch e.Kind {
	case aigen.EffectDispatch:
		return s.addDispatch(c, e)
	case aigen.EffectWithdraw:
		if e.JobID != c.Keep {
			c.Withdrawn = append(c.Withdrawn, e.JobID)
		}
		return nil
	case aigen.EffectIngest:
		return s.addIngest(c, e)
	case aigen.EffectNotify:
		n := newNotification(c.Generation, e.Notice, s.shown)
		return s.addDelivery(c, outbox.Delivery{ID: s.policy.NewID(), Kind: outbox.DeliverNotify}, 0, n)
	case aigen.EffectReserve:
		return s.addCreditDelivery(c, outbox.DeliverReserve, e)
	case aigen.EffectDeduct:
		return s.settle(c, outbox.DeliverDeduct, ledger.Deduct, e)
	case aigen.EffectRefund:
		return s.settle(c, outbox.DeliverRefund, ledger.Refund, e)
	case aigen.EffectRelease:
		if s.ledger == nil {
			return s.addCreditDelivery(c, outbox.DeliverRelease, e)
		}
		// The ledger reserves in the transaction that says so: what is still
		// pending was never held.
		_, err := c.Generation.ConfirmRelease(s.policy, e.RunID, false)
		return err
	}
	return errors.New("unknown effect")
}

// settle deducts or refunds: in this very transaction with the embedded ledger, by
// the outbox with a remote credit service.
func (s *Service) settle(c *Change, kind outbox.DeliveryKind, movement ledger.Kind, e aigen.Effect) error {
	if e.Amount == 0 {
		return nil // a free run: nobody was asked to hold anything
	}
	if s.ledger == nil {
		return s.addCreditDelivery(c, kind, e)
	}
	c.Postings = append(c.Postings, s.postings(c.Generation, movement, e.RunID, e.Amount)...)
	return nil
}

// movements is the one step of the ledger, or none where nothing costs anything or
// the credits are kept elsewhere.
func (s *Service) postings(g *aigen.Generation, kind ledger.Kind, run aigen.ID, amount aigen.Credits) []ledger.Posting {
	if s.ledger == nil || amount == 0 {
		return nil
	}
	return []ledger.Posting{{
		Kind: kind, UserID: g.UserID, GenerationID: g.ID, RunID: run, Amount: amount, At: g.UpdatedAt,
	}}
}

func (s *Service) addDispatch(c *Change, e aigen.Effect) error {
	run, job, ok := c.Generation.FindJob(e.JobID)
	if !ok {
		return fmt.Errorf("no job %s", e.JobID)
	}
	j := s.newJob(c.Generation, run, job)
	body, err := json.Marshal(j)
	if err != nil {
		return err
	}
	s.add(c, outbox.Delivery{ID: job.ID, Kind: j.JobType, RunID: run.ID, Payload: body}, e.Delay)
	return nil
}

// CreditPayload is the payload of a delivery of the queue of credit operations.
type CreditPayload struct {
	Amount aigen.Credits `json:"amount"`
}

func (s *Service) addCreditDelivery(c *Change, kind outbox.DeliveryKind, e aigen.Effect) error {
	d := outbox.Delivery{ID: s.policy.NewID(), Kind: kind, RunID: e.RunID}
	return s.addDelivery(c, d, e.Delay, CreditPayload{Amount: e.Amount})
}

func (s *Service) addDelivery(c *Change, d outbox.Delivery, delay time.Duration, payload any) error {
	var err error
	if d.Payload, err = json.Marshal(payload); err != nil {
		return err
	}
	s.add(c, d, delay)
	return nil
}

// add completes a delivery that has its payload.
func (s *Service) add(c *Change, d outbox.Delivery, delay time.Duration) {
	g := c.Generation
	d.UserID, d.GenerationID, d.State = g.UserID, g.ID, outbox.DeliveryWaiting
	d.CreatedAt = s.policy.Now().UTC().Truncate(time.Microsecond)
	d.AvailableAt = d.CreatedAt.Add(delay)
	c.Deliveries = append(c.Deliveries, d)
}

// withdrawals of a change: all of its jobs that ended, and those of them that ended
// without a report, which somebody may be working on.
func (c *Change) withdrawals() (all, dropped []aigen.ID) {
	for _, id := range c.Withdrawn {
		if _, job, ok := c.Generation.FindJob(id); ok && job.State == aigen.JobDropped {
			dropped = append(dropped, id)
		}
	}
	return c.Withdrawn, dropped
}
