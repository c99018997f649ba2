package operations

import (
	"context"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/app"
	"github.com/creativeflow/aigen/internal/outbox"
)

// DeliveryPage is a part of a list of deliveries.
type DeliveryPage struct {
	Items []outbox.Delivery
	Next  aigen.ID // for DeliveryQuery.After; zero: there is no more
}

// ListDeliveries returns what is in the outbox, oldest first. Limit is at least 1.
func (o *Service) ListDeliveries(ctx context.Context, q outbox.DeliveryQuery) (DeliveryPage, error) {
	limit := q.Limit
	q.Limit++ // one more tells whether there is a next page
	items, err := o.store.ListDeliveries(ctx, q)
	if err != nil {
		return DeliveryPage{}, err
	}
	page := DeliveryPage{Items: items}
	if len(items) > limit {
		page.Items, page.Next = items[:limit], items[limit-1].ID
	}
	return page, nil
}

// GetDelivery returns one delivery. Error code: CodeDeliveryNotFound, also for one
// that was made: its row is gone.
func (o *Service) GetDelivery(ctx context.Context, id aigen.ID) (outbox.Delivery, error) {
	list, err := o.store.ListDeliveries(ctx, outbox.DeliveryQuery{ID: id, Limit: 1})
	if err != nil {
		return outbox.Delivery{}, err
	}
	if len(list) == 0 {
		return outbox.Delivery{}, &aigen.Error{
			Code: aigen.CodeDeliveryNotFound, Message: "There is no such delivery: it was made, or given up, or never was.",
		}
	}
	return list[0], nil
}

// ActionPage is a part of the list of what operators did.
type ActionPage struct {
	Items []app.OperatorAction
	Next  int64 // for ActionQuery.Before; 0: there is no more
}

// ListActions returns what operators did, newest first. Limit is at least 1.
func (o *Service) ListActions(ctx context.Context, q ActionQuery) (ActionPage, error) {
	limit := q.Limit
	q.Limit++
	items, err := o.store.Actions(ctx, q)
	if err != nil {
		return ActionPage{}, err
	}
	page := ActionPage{Items: items}
	if len(items) > limit {
		page.Items, page.Next = items[:limit], items[limit-1].ID
	}
	return page, nil
}
