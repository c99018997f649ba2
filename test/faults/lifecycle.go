package faults

import (
	"fmt"
	"net/http"
	"sync"
	"time"
)

// plan is what a person is going to do with a generation.
type lifecycle string

const (
	waySelect        lifecycle = "select"
	waySelectLarge   lifecycle = "select a large one"
	wayRegenerate    lifecycle = "regenerate, then select"
	wayLeave         lifecycle = "leave it"
	wayCancel        lifecycle = "cancel instead of choosing"
	wayCancelEarly   lifecycle = "cancel at once"
	wayCancelFinal   lifecycle = "cancel while the final is made"
	wayTwiceAtOnce   lifecycle = "ask twice at once, select twice at once"
	wayTwoMinds      lifecycle = "select two samples at once, with two keys"
	waySelectCancel  lifecycle = "select and cancel at once"
	wayRegenerateTwo lifecycle = "regenerate and select at once"
)

var ways = []struct {
	lifecycle
	share uint64 // in a thousand; the rest selects
}{
	{waySelectLarge, 80}, {wayRegenerate, 80}, {wayLeave, 50}, {wayCancel, 40}, {wayCancelEarly, 50}, {wayCancelFinal, 40},
	{wayTwiceAtOnce, 80}, {wayTwoMinds, 40}, {waySelectCancel, 40}, {wayRegenerateTwo, 40},
}

func (p *simulatedUser) lifecycleOf(key string) lifecycle {
	n := dice(p.seed, key) % 1000
	for _, w := range ways {
		if n < w.share {
			return w.lifecycle
		}
		n -= w.share
	}
	return waySelect
}

// prices by the judge's own arithmetic (contract section 4).
const (
	priceSample = 25
	priceFinal  = 100
	priceLarge  = 200
)

var processing = []string{"Pending", "ProcessingSamples", "ProcessingFinal"}

// live takes generation after generation from a wish to an end, until it is told to
// stop.
func (p *simulatedUser) live(slot int) {
	for n := 0; ; n++ {
		select {
		case <-p.stop:
			return
		case <-p.ctx.Done():
			return
		default:
		}
		p.one(fmt.Sprintf("%s-%d-%d", p.name, slot, n))
	}
}

// one is the life of one generation.
func (p *simulatedUser) one(key string) {
	w := p.lifecycleOf(key)
	samples := 1 + int(dice(p.seed, key+"samples")%4)
	q := request{
		verb: "create", method: http.MethodPost, path: "/api/v1/generations", key: key,
		prompt: "a fox in the snow [" + key + "]", amount: decimal(int64(samples) * priceSample),
	}
	q.body = map[string]any{
		"projectId": "11111111-1111-4111-8111-111111111111", "inputPrompt": q.prompt,
		"inputParameters": map[string]any{"format": "Custom", "resolution": "128x128", "samples": samples},
	}
	a, ok := p.create(q, w)
	if !ok {
		p.wait("", time.Second) // a poor one does not ask a hundred times a second
		return
	}
	id := a.GenerationID
	if dice(p.seed, key+"stream")%12 == 0 {
		p.listening.Go(func() { p.follow(id) })
	}
	if w == wayCancelEarly {
		p.verb(id, "cancel", key, nil, "")
		return
	}
	for range 4 { // samples, perhaps again, final, end
		s, samples := p.settled(id)
		if s != "AwaitingSelection" || w == wayLeave || len(samples) == 0 {
			return
		}
		w = p.choose(w, id, key, samples)
		if w == "" {
			return
		}
	}
}

// create asks for the generation, perhaps twice at once.
func (p *simulatedUser) create(q request, w lifecycle) (reply, bool) {
	if w != wayTwiceAtOnce {
		a, err := p.insist(q)
		return a, p.promised(q, a, err)
	}
	var both [2]reply
	var errs [2]error
	var wg sync.WaitGroup
	for i := range both {
		wg.Go(func() { both[i], errs[i] = p.insist(q) })
	}
	wg.Wait()
	ok := p.promised(q, both[0], errs[0])
	if p.promised(q, both[1], errs[1]) && ok && both[0].GenerationID != both[1].GenerationID {
		p.records.odd("promises", both[0].GenerationID, "one key, asked twice at once, got two generations: %s and %s", both[0].GenerationID, both[1].GenerationID)
	}
	return both[0], ok
}

// promised reports whether the request was accepted; other answers must be ones that
// the contract has.
func (p *simulatedUser) promised(q request, a reply, err error) bool {
	if err != nil {
		return false
	}
	if a.http != http.StatusAccepted && a.http != http.StatusPaymentRequired {
		p.records.odd("answers", a.GenerationID, "%s (key %s): %d %s", q.verb, q.key, a.http, a.Code)
	}
	return a.http == http.StatusAccepted
}

// settled waits until the generation waits for a person or has ended, by the stream,
// and by asking where the stream is silent.
func (p *simulatedUser) settled(id string) (status string, samples []string) {
	end := time.Now().Add(2 * stageTimeout * attemptsAtMost)
	for time.Now().Before(end) && p.ctx.Err() == nil {
		s := p.wait(id, 3*time.Second, processing...)
		if s != "" && s != "AwaitingSelection" && !contains(processing, s) {
			return s, nil
		}
		a, err := p.insist(request{verb: "get", method: http.MethodGet, path: "/api/v1/generations/" + id, generation: id})
		if err != nil {
			return "", nil
		}
		if a.http != http.StatusOK {
			p.records.odd("answers", id, "get: %d %s", a.http, a.Code)
			return "", nil
		}
		if contains(processing, a.Status) {
			continue // the stream was ahead of it, or behind
		}
		for _, s := range a.SampleAssets {
			samples = append(samples, s.AssetID)
		}
		return a.Status, samples
	}
	return "", nil
}

// choose does the next thing. It returns what is left to do, "" for nothing.
func (p *simulatedUser) choose(w lifecycle, id, key string, samples []string) lifecycle {
	first := map[string]any{"sampleId": samples[0], "resolution": "256x256"}
	switch w {
	case waySelectLarge:
		p.verb(id, "select-sample", key+"-s", map[string]any{"sampleId": samples[0], "resolution": "4096x2048"}, decimal(priceLarge))
	case wayRegenerate:
		p.verb(id, "regenerate-samples", key+"-r", map[string]any{"inputPrompt": "a blue fox [" + key + " again]"}, "")
		p.forget(id)
		return waySelect
	case wayCancel:
		p.verb(id, "cancel", key+"-c", nil, "")
	case wayCancelFinal:
		p.verb(id, "select-sample", key+"-s", first, decimal(priceFinal))
		p.verb(id, "cancel", key+"-c", nil, "")
	case wayTwiceAtOnce:
		p.both(func() { p.verb(id, "select-sample", key+"-s", first, decimal(priceFinal)) },
			func() { p.verb(id, "select-sample", key+"-s", first, decimal(priceFinal)) })
	case wayTwoMinds:
		p.both(func() { p.verb(id, "select-sample", key+"-s1", first, decimal(priceFinal)) }, func() {
			p.verb(id, "select-sample", key+"-s2", map[string]any{"sampleId": samples[len(samples)-1], "resolution": "256x256"}, decimal(priceFinal))
		})
	case waySelectCancel:
		p.both(func() { p.verb(id, "select-sample", key+"-s", first, decimal(priceFinal)) },
			func() { p.verb(id, "cancel", key+"-c", nil, "") })
	case wayRegenerateTwo:
		p.both(func() { p.verb(id, "select-sample", key+"-s", first, decimal(priceFinal)) }, func() {
			p.verb(id, "regenerate-samples", key+"-r", map[string]any{"inputPrompt": "a blue fox [" + key + " again]"}, "")
		})
		p.forget(id)
		return waySelect
	default:
		p.verb(id, "select-sample", key+"-"+samples[0], first, decimal(priceFinal))
	}
	p.forget(id)
	if w == wayCancel {
		return ""
	}
	return wayLeave // and look how it ends
}

func (p *simulatedUser) both(f, g func()) {
	var wg sync.WaitGroup
	wg.Go(f)
	wg.Go(g)
	wg.Wait()
}

// forget lets settled wait for news of the generation.
func (p *simulatedUser) forget(id string) {
	p.mu.Lock()
	if p.states[id] == "AwaitingSelection" {
		delete(p.states, id)
	}
	p.mu.Unlock()
}

// verb does one thing with a generation. 409: somebody, or the engine, was faster.
func (p *simulatedUser) verb(id, verb, key string, body map[string]any, amount string) {
	q := request{
		verb: verb, method: http.MethodPost, path: "/api/v1/generations/" + id + "/" + verb, generation: id, amount: amount,
	}
	if verb != "cancel" {
		q.key = key
	}
	if body == nil {
		body = map[string]any{}
	}
	q.body = body
	if prompt, ok := body["inputPrompt"].(string); ok {
		q.prompt = prompt
	}
	a, err := p.insist(q)
	if err != nil {
		return
	}
	switch {
	case a.http == http.StatusAccepted, a.http == http.StatusOK, a.http == http.StatusPaymentRequired:
	case a.http == http.StatusConflict && a.Code == "invalid_state":
	case a.http == http.StatusUnprocessableEntity && verb == "select-sample":
		// The samples were made anew meanwhile.
	default:
		p.records.odd("answers", id, "%s (key %s): %d %s", verb, key, a.http, a.Code)
	}
}
