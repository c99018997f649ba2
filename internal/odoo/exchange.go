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
func (s *Service) exchange(ctx context.Context, ops []*operation) []verdict {
	if len(ops) == 1 {
		o := ops[0]
		return []verdict{s.ask(ctx, o.name, 1, func() verdict {
			a, err := s.post(ctx, o.name, bodyOf(o))
			if err != nil {
				return judgeFault(err)
			}
			return judge(o.name, a)
		})}
	}
	var verdicts []verdict
	whole := s.ask(ctx, opBatch, len(ops), func() verdict {
		var v verdict
		verdicts, v = s.postBatch(ctx, ops)
		return v
	})
	if verdicts != nil || whole.class == classDone {
		return verdicts
	}
	verdicts = make([]verdict, len(ops))
	for i := range verdicts {
		verdicts[i] = whole
	}
	return verdicts
}

// ask makes a call if the breaker lets it, and tells breaker and metrics of its end.
func (s *Service) ask(ctx context.Context, name opName, n int, call func() verdict) verdict {
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

func (s *Service) askBalance(ctx context.Context, user aigen.ID) (app.Balance, verdict) {
	var b app.Balance
	v := s.ask(ctx, opBalance, 1, func() verdict {
		a, err := s.getBalance(ctx, user)
		if err != nil {
			return judgeFault(err)
		}
		var v verdict
		b, v = judgeBalance(a)
		return v
	})
	return b, v
}

func (s *Service) getBalance(ctx context.Context, user aigen.ID) (httpcall.Answer, error) {
	return s.http.Do(ctx, httpcall.Request{
		Method: http.MethodGet, Path: paths[opBalance], Query: url.Values{"user_id": {user.String()}},
	})
}
