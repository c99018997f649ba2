// Package n8nwebhook hands jobs to the workflow engine by HTTP, where there is no
// broker: each is posted to a webhook of n8n, signed as Standard Webhooks says
// (contract section 3). The signature proves the sender; webhook-id is the jobId, by
// which the engine tells repeats apart.
package n8nwebhook

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/creativeflow/aigen/internal/app"
	"github.com/creativeflow/aigen/internal/httpcall"
	"github.com/creativeflow/aigen/internal/outbox"
	"github.com/creativeflow/aigen/internal/webhooksig"
)

// Config of a Publisher. URL and Secret are required; zero values get the defaults.
type Config struct {
	URL     string        // N8N_WEBHOOK_URL
	Secret  string        // signs the jobs; the first of N8N_CALLBACK_SECRET
	Timeout time.Duration // until n8n has answered; default 15 s
	Calls   int           // under way at a time; default 16
	Wrap    func(http.RoundTripper) http.RoundTripper
	Now     func() time.Time // default time.Now
}

// Publisher posts jobs. It implements app.JobPublisher.
type Publisher struct {
	c      Config
	call   *httpcall.Caller
	secret webhooksig.Secret
}

// New builds a Publisher. It calls nobody: see Check.
func New(c Config) (*Publisher, error) {
	if c.Timeout <= 0 {
		c.Timeout = 15 * time.Second
	}
	if c.Calls <= 0 {
		c.Calls = 16
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	secret, err := webhooksig.ParseSecret(c.Secret)
	if err != nil {
		return nil, fmt.Errorf("N8N_CALLBACK_SECRET: %w", err)
	}
	u, err := url.Parse(c.URL)
	if err != nil {
		return nil, errors.New("N8N_WEBHOOK_URL cannot be read") // not quoted: it may hold a password
	}
	call, err := httpcall.New(httpcall.Config{
		BaseURL: c.URL, Timeout: c.Timeout, Conns: c.Calls, MaxAnswer: 64 << 10, Wrap: c.Wrap, Secrets: values(u.RawQuery),
	})
	if err != nil {
		return nil, fmt.Errorf("N8N_WEBHOOK_URL: %w", err)
	}
	return &Publisher{c: c, call: call, secret: secret}, nil
}

// values of a query, each of which may be a token, as they are spelt and as they are meant.
func values(query string) (list []string) {
	for _, pair := range strings.FieldsFunc(query, func(r rune) bool { return r == '&' || r == ';' }) {
		if _, value, ok := strings.Cut(pair, "="); ok {
			list = append(list, value)
			if meant, err := url.QueryUnescape(value); err == nil && meant != value {
				list = append(list, meant)
			}
		}
	}
	return list
}

// Close ends the connections that are kept.
func (p *Publisher) Close() error {
	p.call.Close()
	return nil
}

// Window implements app.JobPublisher.
func (p *Publisher) Window() int { return 4 * p.c.Calls }

// Publish implements app.JobPublisher.
func (p *Publisher) Publish(ctx context.Context, jobs []app.JobMessage, done func(i int, err error)) {
	var g errgroup.Group
	g.SetLimit(p.c.Calls)
	for i := range jobs {
		g.Go(func() error {
			done(i, p.post(ctx, &jobs[i]))
			return nil
		})
	}
	_ = g.Wait() // every end has been told to done
}

func (p *Publisher) post(ctx context.Context, j *app.JobMessage) error {
	if ctx.Err() != nil {
		return outbox.ErrReturned
	}
	if err := j.Check(ctx); err != nil {
		return err
	}
	id, now := j.JobID.String(), p.c.Now()
	h := http.Header{}
	h.Set("Webhook-Id", id)
	h.Set("Webhook-Timestamp", strconv.FormatInt(now.Unix(), 10))
	h.Set("Webhook-Signature", webhooksig.Sign(p.secret, id, now, j.Body))
	if j.TraceParent != "" {
		h.Set("Traceparent", j.TraceParent)
	}
	began := time.Now()
	answer, err := p.call.Do(ctx, httpcall.Request{Method: http.MethodPost, Header: h, Body: j.Body})
	if err != nil {
		return judgeFault(fmt.Errorf("post job to N8N_WEBHOOK_URL: %w", err))
	}
	return judge(withoutJob(answer, j.Body), p.c.Now(), time.Since(began))
}

// judgeFault says what a call without a whole answer means.
func judgeFault(err error) error {
	var f *httpcall.CallError
	switch {
	case !errors.As(err, &f):
		return err
	case accepted(f.Status):
		return nil // it was taken; the rest of the answer is of no interest
	case f.Kind == httpcall.GivenUp && !f.Sent: // we are stopping
		return fmt.Errorf("%w: %w", outbox.ErrReturned, err)
	case f.Kind == httpcall.GivenUp:
		return fmt.Errorf("%w: %w", outbox.ErrOutcomeUnknown, err)
	case f.Kind == httpcall.TimedOut && f.Sent:
		// The workflow may be running: many answer when it has ended.
		return fmt.Errorf("%w: %w (does the webhook answer at once, or within N8N_WEBHOOK_TIMEOUT?)", outbox.ErrOutcomeUnknown, err)
	}
	return fmt.Errorf("%w: %w", outbox.ErrUnavailable, err)
}

// withoutJob strikes out of an answer what a workflow may quote of the job: its token,
// and what the user wrote, which is not to be in the log (contract section 6).
func withoutJob(a httpcall.Answer, job []byte) httpcall.Answer {
	var j struct {
		InputPrompt, StyleGuidance string
		Callback                   struct{ Token string }
	}
	if accepted(a.Status) || json.Unmarshal(job, &j) != nil {
		return a
	}
	a.Body = []byte(httpcall.Redactor(j.Callback.Token, j.InputPrompt, j.StyleGuidance).Replace(string(a.Body)))
	return a
}

// cloudflareTimeout is 504 as Cloudflare says it, after 100 s.
const cloudflareTimeout = 524

// accepted reports whether the status is one of success.
func accepted(status int) bool { return status >= http.StatusOK && status < http.StatusMultipleChoices }

// slowGateway is how long a gateway waits at least that has passed a request on and got no
// answer. One that knows of nobody to pass it on to says so at once.
const slowGateway = 5 * time.Second

// judge says whether n8n has the job. Only an answer about this very job is final: it
// fails the generation and frees the credits. A webhook that is away or not registered,
// or asks for time, is waited for until the stage's deadline. All else is a fault that an
// operator mends (the address, the proof): the job is tried OUTBOX_MAX_ATTEMPTS times.
func judge(a httpcall.Answer, now time.Time, took time.Duration) error {
	if accepted(a.Status) {
		return nil
	}
	said := httpcall.Short(string(a.Body), 200)
	err := fmt.Errorf("n8n answered the job with %d: %s", a.Status, said)
	switch a.Status {
	case http.StatusNotFound:
		// n8n says so of a webhook that is not registered, and while it starts.
		err = fmt.Errorf("%w: %w (is the workflow active, and N8N_WEBHOOK_URL its production URL?)", outbox.ErrUnavailable, err)
		return a.Asks(err, now)
	case http.StatusGatewayTimeout, cloudflareTimeout:
		if took >= slowGateway {
			return fmt.Errorf("%w: %w", outbox.ErrOutcomeUnknown, err)
		}
	case http.StatusUnauthorized, http.StatusForbidden:
		return fmt.Errorf("%w (does the webhook expect another proof than a signature made with N8N_CALLBACK_SECRET?)", err)
	case http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusUnprocessableEntity:
		return &outbox.PermanentError{Err: err}
	}
	if a.Away() {
		err = fmt.Errorf("%w: %w", outbox.ErrUnavailable, err)
	}
	return a.Asks(err, now)
}

// Check finds out whether somebody answers at the address, without starting a
// workflow: it asks what methods there are.
func (p *Publisher) Check(ctx context.Context) error {
	a, err := p.call.Do(ctx, httpcall.Request{Method: http.MethodOptions})
	switch {
	case err != nil:
		return fmt.Errorf("ask at N8N_WEBHOOK_URL: %w", err)
	case a.Status == http.StatusNotImplemented: // there is no OPTIONS, but somebody answers
	case a.Status >= http.StatusInternalServerError:
		return fmt.Errorf("N8N_WEBHOOK_URL answers with %d", a.Status)
	case a.Redirects():
		return fmt.Errorf("N8N_WEBHOOK_URL redirects (%d): is it the address of the webhook itself?", a.Status)
	}
	return nil
}
