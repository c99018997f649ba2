package operations

import (
	"context"
	"log/slog"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/app"
	"github.com/creativeflow/aigen/internal/outbox"
)

// RetryDeliveries makes deliveries due now, with a fresh count of attempts.
type RetryDeliveries struct {
	By  aigen.OperatorNote // the reason may be empty: a retry decides nothing
	IDs []aigen.ID         // these; none: those of Dead

	// Dead selects dead deliveries by lane, kind and generation; other fields are
	// not looked at.
	Dead outbox.DeliveryQuery
}

// settlePage bounds one transaction of a step on many deliveries.
const settlePage = 500

// RetryDelivery tries one delivery again. Error codes: CodeDeliveryNotFound,
// CodeDeliveryBusy (it is being made right now).
func (o *Service) RetryDelivery(ctx context.Context, by aigen.OperatorNote, id aigen.ID) (outbox.Delivery, error) {
	d, err := o.idleDelivery(ctx, id)
	if err != nil {
		return outbox.Delivery{}, err
	}
	n, err := o.RetryDeliveries(ctx, RetryDeliveries{By: by, IDs: []aigen.ID{id}})
	if err != nil {
		return outbox.Delivery{}, err
	}
	if n == 0 {
		return outbox.Delivery{}, deliveryBusy()
	}
	d.State, d.Attempts, d.AvailableAt = outbox.DeliveryWaiting, 0, o.now()
	return d, nil
}

// RetryDeliveries reports how many are tried again. Those that are being made right
// now are left alone. Many are done page by page: if an error ends it, what was done
// before stays done.
func (o *Service) RetryDeliveries(ctx context.Context, cmd RetryDeliveries) (int, error) {
	if len(cmd.IDs) > 0 {
		return o.retry(ctx, cmd.By, cmd.IDs)
	}
	q := outbox.DeliveryQuery{
		State: outbox.DeliveryDead, Queue: cmd.Dead.Queue, Kind: cmd.Dead.Kind, GenerationID: cmd.Dead.GenerationID, Limit: settlePage,
	}
	total := 0
	for {
		page, err := o.store.ListDeliveries(ctx, q)
		if err != nil || len(page) == 0 {
			return total, err
		}
		ids := make([]aigen.ID, len(page))
		for i := range page {
			ids[i] = page[i].ID
		}
		n, err := o.retry(ctx, cmd.By, ids)
		if total += n; err != nil {
			return total, err
		}
		q.After = ids[len(ids)-1] // what dies again meanwhile is not tried again and again
	}
}

func (o *Service) retry(ctx context.Context, by aigen.OperatorNote, ids []aigen.ID) (int, error) {
	now := o.now()
	done, err := o.store.ActOnDeliveries(ctx, DeliveryAction{Action: app.ActionRetry, IDs: ids, By: by, Now: now})
	if err != nil || len(done) == 0 {
		return 0, err
	}
	o.relay.Wake([]outbox.Delivery{{Kind: outbox.DeliverSampleJob, AvailableAt: now}, {Kind: outbox.DeliverRefund, AvailableAt: now}, {Kind: outbox.DeliverNotify, AvailableAt: now}})
	attrs := []slog.Attr{slog.Int("deliveries", len(done))}
	if len(done) == 1 {
		attrs = append(attrs, slog.String("delivery_id", done[0].String()))
	}
	o.audit(ctx, app.ActionRetry, by, attrs...)
	return len(done), nil
}

// idleDelivery is a delivery that nobody is making right now.
func (o *Service) idleDelivery(ctx context.Context, id aigen.ID) (outbox.Delivery, error) {
	d, err := o.GetDelivery(ctx, id)
	if err == nil && d.Leased && d.AvailableAt.After(o.now()) {
		err = deliveryBusy()
	}
	return d, err
}

func deliveryBusy() error {
	return &aigen.Error{
		Code: aigen.CodeDeliveryBusy, Message: "This delivery is being made right now. Look again in a moment.",
	}
}
