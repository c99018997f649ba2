package httpapi

import (
	"errors"
	"net/http"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/app"
	"github.com/creativeflow/aigen/internal/httpapi/wire"
	"github.com/creativeflow/aigen/internal/jsonscan"
	"github.com/creativeflow/aigen/internal/web"
	"github.com/creativeflow/aigen/internal/webhooksig"
)

// callbackAuth is what a callback's headers bring to prove it.
type callbackAuth struct {
	token, secret string
	signature     webhooksig.Headers

	hasToken, hasSecret, hasSignature bool
	proved                            bool
	firstForm                         bool // the token can only be checked with the body

	generation, job aigen.ID // that the token was made for, once it was checked
}

func readCallbackAuth(r *http.Request) *callbackAuth {
	p := &callbackAuth{secret: r.Header.Get("X-N8N-Webhook-Secret")}
	p.token, p.hasToken = bearer(r)
	p.hasSecret = p.secret != ""
	p.signature = webhooksig.Headers{
		ID: r.Header.Get("Webhook-Id"), Timestamp: r.Header.Get("Webhook-Timestamp"), Signature: r.Header.Get("Webhook-Signature"),
	}
	p.hasSignature = p.signature.Signature != ""
	return p
}

func (p *callbackAuth) given() bool { return p.hasToken || p.hasSecret || p.hasSignature }

// authenticateCallback reads the body of a callback and checks its proof, before the body where
// that can be. The signature is over the bytes as they came, so it is checked before
// their form. room is what the body takes up while nothing is proved.
func (a *API) authenticateCallback(w http.ResponseWriter, r *http.Request, p *callbackAuth, room *wire.Claim) ([]byte, error) {
	if err := a.checkHeaders(p); err != nil {
		return nil, err
	}
	if err := wire.CheckMedia(r.Header); err != nil {
		return nil, err
	}
	if p.proved {
		room = nil
	}
	body, err := a.bodies.ReadAll(w, r, a.c.MaxCallback, room)
	if err != nil {
		return nil, err
	}
	if a.c.CallbackSecurity && !p.proved && p.hasSignature {
		err := webhooksig.Verify(a.secrets, p.signature, body, a.c.Now())
		p.proved = err == nil
		if err != nil && !p.hasToken {
			return nil, &wire.Error{Code: wire.CodeInvalidProof, Detail: signatureFault(err), Cause: err}
		}
	}
	if a.c.CallbackSecurity && !p.proved && !p.firstForm {
		return nil, wrongToken(nil)
	}
	if a.c.DetailedLogging {
		web.InfoFrom(r.Context()).Body = body
	}
	return body, wire.CheckBody(body, jsonscan.Rules{})
}

// checkHeaders checks the proofs that need no look into the body, and refuses where no
// Body could help: a caller without a proof costs nothing.
func (a *API) checkHeaders(p *callbackAuth) error {
	if !a.c.CallbackSecurity {
		return nil
	}
	if p.proved = p.hasSecret && webhooksig.EqualSecret(a.secrets, p.secret); p.proved {
		return nil
	}
	cause := app.ErrTokenForm
	if p.hasToken && a.c.Tokens != nil {
		p.generation, p.job, cause = a.c.Tokens.Open(p.token)
		p.proved, p.firstForm = cause == nil, errors.Is(cause, app.ErrTokenFirstForm)
	}
	switch {
	case p.proved, p.firstForm, p.hasSignature:
		return nil
	case p.hasToken:
		return wrongToken(cause)
	default:
		return wire.NewError(wire.CodeInvalidProof, "X-N8N-Webhook-Secret is not the secret.")
	}
}

// checkToken compares what the token was made for with what the body speaks of, and
// returns its job: zero where another proof counts. Without the generation nothing can
// be checked, and nothing is told.
func (a *API) checkToken(o wire.Object, p *callbackAuth) (aigen.ID, error) {
	if !a.c.CallbackSecurity || p.proved && p.job.IsZero() {
		return aigen.ID{}, nil
	}
	o.Need("generationId")
	generation, ok := o.ID("generationId")
	switch {
	case !ok:
		return aigen.ID{}, o.Faults.Err()
	case !p.proved:
		job, err := a.c.Tokens.Verify(generation, p.token)
		if err != nil {
			return aigen.ID{}, wrongToken(err)
		}
		return job, nil
	case generation != p.generation:
		return aigen.ID{}, wrongToken(app.ErrTokenForged)
	}
	return p.job, nil
}

func wrongToken(cause error) error {
	return &wire.Error{Code: wire.CodeInvalidProof, Detail: "The token is not one that was given out for a job of this generation.", Cause: cause}
}

// signatureFault says what to look at; none of it helps to forge a signature.
func signatureFault(err error) string {
	switch {
	case errors.Is(err, webhooksig.ErrTimestamp):
		return "webhook-timestamp is more than 5 minutes away from now."
	case errors.Is(err, webhooksig.ErrMissing):
		return "A signature needs webhook-id, webhook-timestamp and webhook-signature."
	case errors.Is(err, webhooksig.ErrMalformed):
		return "webhook-id, webhook-timestamp or webhook-signature is malformed."
	default:
		return "webhook-signature does not match the body."
	}
}
