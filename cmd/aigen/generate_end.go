package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/client"
)

// cancelTimeout bounds the attempt to cancel after an interruption.
const cancelTimeout = 10 * time.Second

// explain gives an error its exit code, and says what to do where we know.
func (r *generateRun) explain(ctx context.Context, err error) error {
	var coded *exitError
	var p *client.Problem
	switch {
	case errors.As(err, &coded):
		return err
	case errors.Is(err, errStopped):
		return r.cancel(ctx)
	case r.id.IsZero() && ctx.Err() != nil:
		return fmt.Errorf("%s; nothing was started", reasonOf(ctx))
	case !errors.As(err, &p):
		return err
	}
	p.Title, p.Detail = printable(p.Title), printable(p.Detail)
	switch p.Status {
	case http.StatusPaymentRequired:
		if r.settings != nil && r.settings.UsesLedger() {
			err = fmt.Errorf("%w\n%s", err, r.howToGrant())
		}
		return &exitError{exitCredits, err}
	case http.StatusUnauthorized:
		return fmt.Errorf("the service does not accept the token: %w", err)
	case http.StatusUnprocessableEntity:
		return &exitError{exitUsage, err}
	}
	return err
}

// reasonOf is why a context ended, for a person.
func reasonOf(ctx context.Context) string {
	if errors.Is(context.Cause(ctx), errTimedOut) {
		return "gave up: " + errTimedOut.Error()
	}
	return "interrupted"
}

// cancel ends the generation on the service, since nobody waits for it any more.
func (r *generateRun) cancel(ctx context.Context) error {
	why := "stopped"
	if ctx.Err() != nil {
		why = reasonOf(ctx)
	}
	r.view.note(why + ": cancelling the generation (Ctrl-C again quits at once)")
	ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), cancelTimeout)
	defer stop()
	g, err := r.client.Cancel(ctx, r.id)
	if client.StatusOf(err) == http.StatusConflict {
		if g, err = r.client.Get(ctx, r.id); err == nil {
			r.learned(g)
			return &exitError{exitRefused, fmt.Errorf("%s: the generation had ended already as %s; %s", why, g.Status, spent(g.Credits))}
		}
	}
	if err != nil {
		return fmt.Errorf("%s, but generation %s could not be cancelled and may still be running: %w", why, r.id, err)
	}
	r.learned(g)
	message := fmt.Sprintf("%s: the generation was cancelled; %s", why, spent(g.Credits))
	if r.instance != nil {
		r.view.note("cancelled; the service is stopping") // the engine may be in the middle of a picture
	}
	return &exitError{exitRefused, errors.New(message)}
}

func (r *generateRun) learned(g client.Generation) {
	r.result.Status, r.result.Credits, r.result.Error = g.Status, &g.Credits, g.Error
}

// spent says where the credits are.
func spent(t aigen.CreditTotals) string {
	s := t.Deducted.String() + " credits were spent"
	if t.Refunded > 0 {
		s += ", " + t.Refunded.String() + " refunded"
	}
	return s
}

// finish takes the generation's last event: the picture, or why there is none.
func (r *generateRun) finish(ctx context.Context, last client.Event) error {
	if last.Data.Status == aigen.StatusCompleted {
		return r.save(ctx, last.Data.FinalAsset)
	}
	why := last.Data.Error
	if why == nil {
		why = &aigen.Failure{Code: aigen.CodeGenerationFailed, Message: "The service gave no reason."}
	}
	r.result.Error = why
	code := exitRefused
	var message string
	switch {
	case last.Data.Status == aigen.StatusContentRejected:
		message = "the content rules do not allow this: " + why.Message + " Change the prompt and try again"
	case last.Data.Status == aigen.StatusCancelled:
		message = "the generation was cancelled: " + why.Message
	case why.Code == aigen.CodeInsufficientCredits:
		code, message = exitCredits, why.Message
	default:
		message = "the generation failed: " + why.Message
		if why.Retryable && !strings.Contains(strings.ToLower(why.Message), "try again") {
			message += " Trying again may help"
		}
	}
	return &exitError{code, fmt.Errorf("%s (%s)", printable(message), spent(last.Data.Credits))}
}

// exitCodeOf is the code that main will exit with.
func exitCodeOf(err error) int {
	var coded *exitError
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &coded):
		return coded.code
	}
	return exitFailure
}

// failureOf is an error in the form that failures of generations have.
func failureOf(err error) *aigen.Failure {
	code := aigen.Code(client.CodeOf(err))
	switch {
	case code != "":
	case exitCodeOf(err) == exitCredits:
		code = aigen.CodeInsufficientCredits
	default:
		code = "client_error"
	}
	return &aigen.Failure{Code: code, Message: err.Error()}
}
