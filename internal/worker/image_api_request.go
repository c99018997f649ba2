package worker

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	aigen "github.com/creativeflow/aigen-orchestrator"
)

// imageRequest is the body of POST /images/generations.
type imageRequest struct {
	Model          string `json:"model,omitempty"`
	Prompt         string `json:"prompt"`
	N              int    `json:"n"`
	Size           string `json:"size"`
	ResponseFormat string `json:"response_format,omitempty"`
}

const (
	maxAnswer      = 64 << 20 // bytes, unpacked
	maxErrorAnswer = 64 << 10
)

// ask makes one request. Errors are *PaintError, but for the end of ctx while waiting
// for a slot.
func (p *ImageAPI) ask(ctx context.Context, r imageRequest) (original, error) {
	select {
	case p.requests <- struct{}{}:
		defer func() { <-p.requests }()
	case <-ctx.Done():
		return original{}, ctx.Err()
	}
	ctx, cancel := context.WithTimeoutCause(ctx, p.timeout, fmt.Errorf("image request: no answer within %s", p.timeout))
	defer cancel()
	resp, err := p.post(ctx, r)
	if err != nil {
		return original{}, p.unreachable(ctx, err)
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		body, _ := io.ReadAll(io.LimitReader(resp.Body, maxErrorAnswer)) // what came of it is enough
		return original{}, p.refused(resp, body)
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	if err != nil {
		return original{}, p.unreachable(ctx, err)
	}
	if len(body) > maxAnswer {
		return original{}, unusable(fmt.Errorf("the answer is larger than %d bytes", maxAnswer))
	}
	return parseAnswer(body)
}

func (p *ImageAPI) post(ctx context.Context, r imageRequest) (*http.Response, error) {
	body, err := json.Marshal(r)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.endpoint, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", "aigen")
	if p.key != "" {
		req.Header.Set("Authorization", "Bearer "+p.key)
	}
	return p.client.Do(req)
}

// stayThere follows a redirect only within the server that was configured, and only
// if it is still the same request. Anybody else would get the key, or the prompt; the
// answer with the redirect is then treated as the refusal that it is.
func stayThere(req *http.Request, via []*http.Request) error {
	first := via[0]
	if req.URL.Scheme != first.URL.Scheme || !strings.EqualFold(req.URL.Host, first.URL.Host) ||
		req.Method != first.Method || len(via) > 3 {
		return http.ErrUseLastResponse
	}
	return nil
}

// unreachable is for a request without a whole answer. The URL is left out of the
// detail: an operator knows it, and it may hold a password.
func (p *ImageAPI) unreachable(ctx context.Context, err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err
	}
	message := "The image service could not be reached."
	if ctx.Err() != nil {
		message, err = "The image service did not answer in time.", context.Cause(ctx)
	}
	return &PaintError{Code: aigen.CodeGenerationFailed, Message: message, Retryable: true, Err: err}
}

// unusable is for an answer that would come again.
func unusable(err error) error {
	return &PaintError{
		Code: aigen.CodeGenerationFailed, Err: err,
		Message: "The image service gave an answer that cannot be used.",
	}
}
