package odoo

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/creativeflow/aigen/internal/httpcall"
)

// postBatch sends operations together. The second verdict is that of the call as a
// whole: of nothing but unavailable results it is unavailable too. Where it is done
// and there are no verdicts, each operation is to be sent alone.
func (s *Service) postBatch(ctx context.Context, ops []*operation) ([]result, result) {
	var body struct {
		Operations []operationBody `json:"operations"`
	}
	for _, o := range ops {
		b := bodyOf(o)
		b.Op = o.name
		body.Operations = append(body.Operations, b)
	}
	a, err := s.post(ctx, opBatch, body)
	if err != nil {
		return nil, classifyFault(err)
	}
	verdicts, whole, rest := classifyBatch(ops, a)
	if rest != restNot {
		s.batches.pause(rest)
	}
	if len(verdicts) > 0 && !slices.ContainsFunc(verdicts, func(v result) bool { return !v.failed() }) {
		whole = verdicts[0]
	}
	return verdicts, whole
}

// batchPause says whether batches are not to be sent for a while.
type batchPause int

const (
	restNot   batchPause = iota
	restShort            // it is not clear whether they are at fault
	restLong             // they are not offered
)

// classifyBatch says what an answer to a batch means.
func classifyBatch(ops []*operation, a httpcall.Answer) (each []result, whole result, r batchPause) {
	o, isJSON := a.JSON()
	c := errorBodyOf(o)
	switch {
	case isJSON && (a.Status == http.StatusNotFound || a.Status == http.StatusMethodNotAllowed):
		return nil, done(), restLong
	case a.Status == http.StatusOK && isJSON && !c.made:
		if results, ok := resultObject(o).List("results"); ok {
			return classifyResults(ops, results), done(), restNot
		}
		return nil, unusable(`the answer to a batch lacks "results"`), restShort
	}
	whole = classifyStatus(opBatch, a, o, isJSON)
	switch {
	case whole.class == classRefused || whole.class == classPermanent:
		// One of them may be at fault; each gets its own answer.
		return nil, done(), restNot
	case whole.class == classUnavailable && poisoned(a):
		// An Odoo whose addon has no such route answers as one whose database is
		// gone, with a page; and one operation may be what a controller stumbles
		// over. Single calls tell.
		return nil, whole, restShort
	}
	return nil, whole, restNot
}

// poisoned reports whether the call as such may be the reason for its answer.
func poisoned(a httpcall.Answer) bool {
	switch a.Status {
	case http.StatusOK, http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusInternalServerError,
		http.StatusNotImplemented, http.StatusRequestEntityTooLarge:
		return true
	}
	return false
}

// classifyResults gives each operation its own result. Those that are missing, or stand
// where another belongs, say nothing: nobody may get his neighbour's.
func classifyResults(ops []*operation, results []json.RawMessage) []result {
	verdicts := make([]result, len(ops))
	for i, o := range ops {
		if i >= len(results) {
			verdicts[i] = unusable("the answer to a batch has %d results for %d operations", len(results), len(ops))
			continue
		}
		verdicts[i] = classifyResult(o, results[i])
	}
	return verdicts
}

func classifyResult(o *operation, raw json.RawMessage) result {
	var r httpcall.Object
	if json.Unmarshal(raw, &r) != nil || r == nil {
		return unusable("the result in a batch is no object")
	}
	if r.Text("reference") != o.Reference.String() {
		return unusable("the result in a batch is that of another reference")
	}
	v := classifyObject(o.name, r)
	if _, present := r.Bool("ok"); !present && v.class == classDone {
		return unusable(`the result in a batch lacks "ok" as true or false`)
	}
	if v.class == classRefused && o.name != opReserve {
		v.class = classPermanent
	}
	return v
}

// batchSwitch remembers whether batches are worth trying.
type batchSwitch struct {
	rest time.Duration
	log  *slog.Logger

	mu    sync.Mutex
	until time.Time // batches are not sent before
	told  bool
}

func (b *batchSwitch) on() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return !time.Now().Before(b.until)
}

// pause stops batches. The short rest is a tenth of the long one: after an outage
// there is much to be done, and then batches help most.
func (b *batchSwitch) pause(r batchPause) {
	d := b.rest
	if r == restShort {
		d /= 10
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.until = time.Now().Add(d)
	if r == restLong && !b.told {
		b.told = true
		b.log.Info("the credit service does not take several operations at once: they are sent one by one", "ask_again_in", d)
	}
}
