package worker

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/creativeflow/aigen"
)

// ask gets one picture. It asks again where that is free and can help: after a pause that
// the server wants, and without a parameter that the server refuses. An answer that was
// cut off is asked for once more, though it may have been paid for; all else is left to
// the next job of the run. Errors are *PaintError, but for the end of ctx while waiting.
func (p *ImageAPI) ask(ctx context.Context, prompt string, res aigen.Resolution) (original, error) {
	form, cutOff := p.forms.now(), false
	for {
		r := form.request(p.model, prompt, res)
		answer, turn, err := p.inTurn(ctx, r)
		if err != nil {
			if again := p.broken(ctx, err, &cutOff); again != nil {
				return original{}, again
			}
			continue
		}
		o, refusal, err := p.pictureOf(ctx, answer)
		switch {
		case refusal != nil && refusal.isBusy(answer.header):
			if err := p.pause(ctx, turn, answer.header, *refusal); err != nil {
				return original{}, err
			}
		case refusal != nil && !refusal.aboutContent(prompt) && !refusal.aboutMoney() && form.adapt(*refusal, prompt, r):
		case refusal != nil:
			return original{}, p.refused(answer.header, *refusal, prompt)
		case errors.Is(err, errCutOff) && !cutOff:
			cutOff = true
		case err != nil:
			return original{}, err
		default:
			p.pace.good()
			p.forms.learn(form)
			return o, nil
		}
	}
}

// inTurn makes the request when the server may be asked and a slot is free.
func (p *ImageAPI) inTurn(ctx context.Context, r imageRequest) (reply, int, error) {
	for {
		turn, err := p.pace.wait(ctx)
		if err != nil {
			return reply{}, turn, err
		}
		select {
		case p.requests <- struct{}{}:
		case <-ctx.Done():
			return reply{}, turn, ctx.Err()
		}
		if !p.pace.now(turn) { // a pause began meanwhile
			<-p.requests
			continue
		}
		defer func() { <-p.requests }()
		if err := ctx.Err(); err != nil { // both were ready, and it chose the slot
			return reply{}, turn, err
		}
		answer, err := p.send(ctx, r)
		return answer, turn, err
	}
}

// broken judges a request that has no answer. Nil: ask once more.
func (p *ImageAPI) broken(ctx context.Context, err error, cutOff *bool) error {
	var b *brokenError
	switch {
	case errors.Is(err, errTooLong):
		return busy(err)
	case errors.Is(err, errTooLarge):
		return unusable(err)
	case !errors.As(err, &b):
		return err // ctx has ended while waiting
	case ctx.Err() != nil:
		return &PaintError{Code: aigen.CodeGenerationFailed, Message: tooLate, Retryable: true, Err: context.Cause(ctx)}
	case b.timeout:
		// What was sent may still be made, and paid for: asking again would be so twice.
		return &PaintError{Code: aigen.CodeGenerationFailed, Message: tooLate, Retryable: !b.sent, Err: b.err}
	case b.sent && !*cutOff:
		*cutOff = true
		return nil
	}
	return &PaintError{
		Code: aigen.CodeGenerationFailed, Message: "The image service could not be reached.", Retryable: !b.sent, Err: b.err,
	}
}

// pictureOf reads an answer: a picture, or a refusal, or an error.
func (p *ImageAPI) pictureOf(ctx context.Context, r reply) (original, *fault, error) {
	if !r.good() {
		f := parseFault(r.status, r.body)
		return original{}, &f, nil
	}
	if r.status == http.StatusNoContent {
		return original{}, nil, unusable(errNoPicture)
	}
	a, err := parseAnswer(r.header.Get("Content-Type"), r.body)
	if err != nil {
		return original{}, nil, unusable(err)
	}
	o, err := p.choose(ctx, a)
	if err == nil {
		return o, nil, nil
	}
	if a.filtered {
		return original{}, &fault{status: http.StatusBadRequest, codes: []string{"content_filter"}}, nil
	}
	if len(a.pictures) > 0 || a.bad != nil {
		return original{}, nil, unusable(err)
	}
	if f, ok := faultWithin(r.status, a.body); ok {
		return original{}, &f, nil
	}
	if r.status == http.StatusOK && a.emptyHanded() {
		return original{}, nil, &PaintError{Code: aigen.CodeGenerationFailed, Message: notUsable, Retryable: true, Err: errNoPicture}
	}
	return original{}, nil, unusable(err)
}

var errNoPicture = errors.New("the answer has no picture")

// choose is the first picture of an answer that can be used. An address counts where
// there are no bytes.
func (p *ImageAPI) choose(ctx context.Context, a answer) (original, error) {
	first := a.bad
	for _, f := range a.pictures {
		if f.data == nil {
			continue
		}
		_, err := checkPicture(f.data)
		if err == nil {
			return original{picture: f.data, revisedPrompt: shortText(f.revised, maxRevisedPrompt)}, nil
		}
		if first == nil {
			first = err
		}
	}
	for _, f := range a.pictures {
		if f.url == "" {
			continue
		}
		data, err := p.fetch(ctx, f.url)
		if err == nil {
			return original{picture: data, revisedPrompt: shortText(f.revised, maxRevisedPrompt)}, nil
		}
		if first == nil {
			first = err
		}
	}
	if first == nil {
		first = errNoPicture
	}
	return original{}, first
}

// emptyHanded reports whether the answer says clearly that nothing was made: a list
// without entries, or with empty ones.
func (a answer) emptyHanded() bool {
	list, ok := a.body["data"].([]any)
	for _, entry := range list {
		for _, v := range asObject(entry) {
			ok = ok && (v == nil || v == "")
		}
	}
	return ok
}

func asObject(v any) map[string]any {
	m, _ := v.(map[string]any)
	return m
}

// isBusy reports whether the same request is welcome later: too many at a time, or a
// server that says when it will be there.
func (f fault) isBusy(h http.Header) bool {
	switch {
	case f.aboutMoney():
		return false
	case f.status == http.StatusTooManyRequests:
		return true
	case f.status == http.StatusConflict, f.status == http.StatusTooEarly, f.status >= http.StatusInternalServerError:
		return h.Get("Retry-After") != "" || h.Get("Retry-After-Ms") != ""
	}
	return false
}

// pause lets all jobs wait until the server may be asked again. The error is for a job
// that has no time for that.
func (p *ImageAPI) pause(ctx context.Context, turn int, h http.Header, f fault) error {
	after, began := p.pace.busy(turn, retryAfter(h, f, time.Now()))
	if began {
		p.log.Info("image service is busy: nothing is asked of it for a while", "status", f.status, "pause", after)
	}
	if end, ok := ctx.Deadline(); ok && time.Until(end) < after+reportTime {
		return busy(p.detail(h, f))
	}
	return nil
}

func busy(err error) error {
	return &PaintError{Code: aigen.CodeGenerationFailed, Message: "The image service is busy.", Retryable: true, Err: err}
}
