package admin

import (
	"context"
	"net/http"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/httpapi/wire"
	"github.com/creativeflow/aigen/internal/operations"
	"github.com/creativeflow/aigen/internal/outbox"
	"github.com/creativeflow/aigen/internal/runtimeinfo"
	"github.com/creativeflow/aigen/internal/web"
)

// Operations is what the admin API needs of app.Operations.
type Operations interface {
	ListDeliveries(ctx context.Context, q outbox.DeliveryQuery) (operations.DeliveryPage, error)
	GetDelivery(ctx context.Context, id aigen.ID) (outbox.Delivery, error)
	RetryDelivery(ctx context.Context, by aigen.OperatorNote, id aigen.ID) (outbox.Delivery, error)
	RetryDeliveries(ctx context.Context, cmd operations.RetryDeliveries) (int, error)
	DropDelivery(ctx context.Context, cmd operations.DropDelivery) (operations.Dropped, error)
	ListAllGenerations(ctx context.Context, q operations.AllQuery) (operations.AllPage, error)
	GetTimeline(ctx context.Context, id aigen.ID) (operations.Timeline, error)
	FailGeneration(ctx context.Context, cmd operations.FailGeneration) (*aigen.Generation, error)
	Search(ctx context.Context, text string) ([]operations.Match, error)
	ListActions(ctx context.Context, q operations.ActionQuery) (operations.ActionPage, error)
	GetStatistics(ctx context.Context, w operations.Window) (operations.Statistics, error)
	GetHealth(ctx context.Context) operations.Health
	GetSettings() []runtimeinfo.Setting
}

// API serves the admin API. Its routes let operators through alone.
type API struct {
	operations Operations
	bodies     *wire.Bodies
	views      *wire.Views
	large      *web.Places // for large answers
}

// New serves what o does.
func New(o Operations, b *wire.Bodies, v *wire.Views, large *web.Places) *API {
	return &API{operations: o, bodies: b, views: v, large: large}
}

// operatorOf notes who asks.
func operatorOf(r *http.Request, reason string) aigen.OperatorNote {
	return aigen.OperatorNote{ID: web.IdentityOf(r.Context()).UserID, Reason: reason}
}

// reasonOf reads the reason and what else a step needs.
func (a *API) reasonOf(w http.ResponseWriter, r *http.Request, needed bool, more ...string) (wire.Object, string, *wire.Faults, error) {
	read := a.bodies.ReadOptional
	if needed {
		read = a.bodies.Read
	}
	raw, err := read(w, r)
	if err != nil {
		return wire.Object{}, "", nil, err
	}
	f := new(wire.Faults)
	o := wire.NewObject("body", raw, f)
	if o.Members == nil {
		return o, "", f, f.Err()
	}
	o.Only(append(more, "reason")...)
	if needed {
		o.Need("reason")
	}
	reason, _ := o.Text("reason")
	if len([]rune(reason)) > aigen.MaxReason {
		o.Fault("reason", "must have at most %d characters", aigen.MaxReason)
	}
	return o, reason, f, nil
}
