package odoo

import (
	"context"
	"net/http"

	"github.com/creativeflow/aigen/internal/app"
	"github.com/creativeflow/aigen/internal/httpcall"
	"github.com/creativeflow/aigen/internal/reconcile"
)

// Waiting is how many operations are queued.
func (s *Service) Waiting() int {
	n := 0
	for _, l := range []*dispatcher{s.reserve, s.settle} {
		l.mu.Lock()
		n += len(l.queue)
		l.mu.Unlock()
	}
	return n
}

// ReserveOnce is Reserve without its repeats, in the line of settlements.
func (s *Service) ReserveOnce(ctx context.Context, op app.CreditOperation) error {
	return s.settle.do(ctx, opReserve, op).err(opReserve)
}

// JudgeReservations reads an answer of the list of reservations.
func JudgeReservations(status int, body []byte) (reconcile.ReservationPage, bool, error) {
	page, offered, v := judgeReservations(httpcall.Answer{Status: status, Body: body, Header: http.Header{}})
	return page, offered, v.err(opList)
}
