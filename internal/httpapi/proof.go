package httpapi

import (
	"errors"
	"net/http"

	aigen "github.com/creativeflow/aigen-orchestrator"
	"github.com/creativeflow/aigen-orchestrator/internal/webhooksig"
)

// proof is what a callback's headers bring to prove it.
type proof struct {
	token, secret string
	signature     webhooksig.Headers

	hasToken, hasSecret, hasSignature bool
	proved                            bool // by the secret or the signature
}

func readProof(r *http.Request) *proof {
	p := &proof{secret: r.Header.Get("X-N8N-Webhook-Secret")}
	p.token, p.hasToken = bearer(r)
	p.hasSecret = p.secret != ""
	p.signature = webhooksig.Headers{
		ID: r.Header.Get("Webhook-Id"), Timestamp: r.Header.Get("Webhook-Timestamp"), Signature: r.Header.Get("Webhook-Signature"),
	}
	p.hasSignature = p.signature.Signature != ""
	return p
}

func (p *proof) given() bool { return p.hasToken || p.hasSecret || p.hasSignature }

// readProved reads the body and checks the proofs that need no look into it. The
// signature is over the bytes as they came, so it is checked before their form.
func (a *API) readProved(w http.ResponseWriter, r *http.Request, p *proof) ([]byte, error) {
	if !a.c.CallbackSecurity {
		return a.readBody(w, r, a.c.MaxCallback, jsonRules{})
	}
	p.proved = p.hasSecret && webhooksig.EqualSecret(a.secrets, p.secret)
	if !p.proved && !p.hasToken && !p.hasSignature {
		return nil, newFault(codeInvalidProof, "X-N8N-Webhook-Secret is not the secret.")
	}
	if err := checkMedia(r.Header); err != nil {
		return nil, err
	}
	body, err := a.readAll(w, r, a.c.MaxCallback)
	if err != nil {
		return nil, err
	}
	if p.hasSignature && !p.proved {
		err := webhooksig.Verify(a.secrets, p.signature, body, a.c.Now())
		p.proved = err == nil
		if err != nil && !p.hasToken {
			return nil, &fault{code: codeInvalidProof, detail: signatureFault(err), cause: err}
		}
	}
	if !p.proved && (a.c.Tokens == nil || a.c.Tokens.CheckForm(p.token) != nil) {
		return nil, wrongToken(nil)
	}
	if a.c.DetailedLogging {
		callOf(r.Context()).body = body
	}
	return body, checkJSON(body, jsonRules{})
}

// checkToken returns the job that the token was made for. Without the generation
// that the body speaks of nothing can be checked, and nothing is told.
func (a *API) checkToken(o object, p *proof) (aigen.ID, error) {
	o.need("generationId")
	generation, ok := o.id("generationId")
	if !ok {
		return aigen.ID{}, o.faults.err()
	}
	job, err := a.c.Tokens.Verify(generation, p.token)
	if err != nil {
		return aigen.ID{}, wrongToken(err)
	}
	return job, nil
}

func wrongToken(cause error) error {
	return &fault{code: codeInvalidProof, detail: "The token is not one that was given out for a job of this generation.", cause: cause}
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
