package odoo

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"time"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/app"
	"github.com/creativeflow/aigen/internal/httpcall"
)

const basePath = "/api/v1/credits/"

var paths = map[opName]string{
	opReserve: basePath + "check_and_reserve",
	opDeduct:  basePath + "deduct",
	opRefund:  basePath + "refund",
	opBalance: basePath + "balance",
	opBatch:   basePath + "batch",
}

// operationBody is an operation as it is sent. Op is for batches.
type operationBody struct {
	Op           opName        `json:"op,omitempty"`
	UserID       aigen.ID      `json:"user_id"`
	Amount       aigen.Credits `json:"amount"`
	GenerationID aigen.ID      `json:"generation_id"`
	Reference    aigen.ID      `json:"reference"`
}

func bodyOf(o *operation) operationBody {
	return operationBody{UserID: o.UserID, Amount: o.Amount, GenerationID: o.GenerationID, Reference: o.Reference}
}

// exchange makes one call and returns a verdict for each operation. None at all:
// the other side did not take them together, and each is to be sent alone.
func (s *Service) exchange(ctx context.Context, ops []*operation) []result {
	if len(ops) == 1 {
		o := ops[0]
		return []result{s.ask(ctx, o.name, 1, func() result {
			a, err := s.post(ctx, o.name, bodyOf(o))
			if err != nil {
				return classifyFault(err)
			}
			return classify(o.name, a)
		})}
	}
	var verdicts []result
	whole := s.ask(ctx, opBatch, len(ops), func() result {
		var v result
		verdicts, v = s.postBatch(ctx, ops)
		return v
	})
	if verdicts != nil || whole.class == classDone {
		return verdicts
	}
	verdicts = make([]result, len(ops))
	for i := range verdicts {
		verdicts[i] = whole
	}
	return verdicts
}

// ask makes a call if the breaker lets it, and tells breaker and metrics of its end.
func (s *Service) ask(ctx context.Context, name opName, n int, call func() result) result {
	end, wait := s.breaker.allow()
	if end == nil {
		s.metrics.Call(string(name), "not_asked", n, 0)
		return stopped(wait)
	}
	started := time.Now()
	v := call()
	took := time.Since(started)
	if ctx.Err() != nil && v.cause != nil && took < s.http.Timeout()/2 {
		v.unheard = true // its callers had no time left: that says nothing of the other side
	}
	end(v)
	s.metrics.Call(string(name), v.outcome(), n, took)
	return v
}

func (s *Service) post(ctx context.Context, name opName, body any) (httpcall.Answer, error) {
	b, err := json.Marshal(body)
	if err != nil {
		return httpcall.Answer{}, err
	}
	return s.http.Do(ctx, httpcall.Request{Method: http.MethodPost, Path: paths[name], Body: b})
}

func (s *Service) askBalance(ctx context.Context, user aigen.ID) (app.Balance, result) {
	var b app.Balance
	v := s.ask(ctx, opBalance, 1, func() result {
		a, err := s.getBalance(ctx, user)
		if err != nil {
			return classifyFault(err)
		}
		var v result
		b, v = classifyBalance(a)
		return v
	})
	return b, v
}

func (s *Service) getBalance(ctx context.Context, user aigen.ID) (httpcall.Answer, error) {
	return s.http.Do(ctx, httpcall.Request{
		Method: http.MethodGet, Path: paths[opBalance], Query: url.Values{"user_id": {user.String()}},
	})
}
