package worker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
)

// Check asks the server for its list of models, which costs nothing. An error says what
// is wrong in words for an operator. A server that has no such list is one all the same.
func (p *ImageAPI) Check(ctx context.Context) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, p.endpoint.models, http.NoBody)
	if err != nil {
		return errors.New("IMAGE_API_URL is no address that can be asked")
	}
	req.Header.Set("Accept", "application/json")
	p.identify(req)
	resp, err := p.client.Do(req)
	if err != nil {
		var u *url.Error
		if errors.As(err, &u) {
			err = u.Err // without the address, which may hold a password
		}
		return fmt.Errorf("the image service cannot be reached: %w", err)
	}
	defer func() { _ = resp.Body.Close() }()
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, maxErrorAnswer))
	switch status := resp.StatusCode; {
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		return fmt.Errorf("the image service refuses the key (%d): look at IMAGE_API_KEY", status)
	case status >= http.StatusInternalServerError:
		return fmt.Errorf("the image service answers %d", status)
	case status >= 300 && status < 400:
		return fmt.Errorf("the image service redirects (%d): set IMAGE_API_URL to where that leads, if it is to be trusted", status)
	}
	return nil
}
