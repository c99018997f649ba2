package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"github.com/creativeflow/aigen-orchestrator/internal/config"
)

// probeImages asks the image service for its models, which makes no picture and costs
// nothing. Many services have no such list: that they say so is enough.
func probeImages(ctx context.Context, c config.Config) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.Worker.ImageAPIURL.Reveal()+"/models", http.NoBody)
	if err != nil {
		return errors.New("IMAGE_API_URL cannot be read") // not quoted: it may hold a password
	}
	if key := c.Worker.ImageAPIKey.Reveal(); key != "" {
		req.Header.Set("Authorization", "Bearer "+key)
	}
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	defer client.CloseIdleConnections()
	res, err := client.Do(req)
	if err != nil {
		var u *url.Error
		if errors.As(err, &u) {
			err = u.Err
		}
		return fmt.Errorf("the image service does not answer: %w", err)
	}
	_ = res.Body.Close() // the status is enough
	switch {
	case res.StatusCode == http.StatusUnauthorized || res.StatusCode == http.StatusForbidden:
		return fmt.Errorf("the image service refuses us (HTTP %d): correct IMAGE_API_KEY", res.StatusCode)
	case res.StatusCode >= 300 && res.StatusCode < 400:
		return fmt.Errorf("the image service redirects (HTTP %d), which is not followed: set IMAGE_API_URL to where it leads", res.StatusCode)
	case res.StatusCode >= http.StatusInternalServerError && res.StatusCode != http.StatusNotImplemented:
		return fmt.Errorf("the image service is out of order (HTTP %d): see its log, or correct IMAGE_API_URL", res.StatusCode)
	case res.StatusCode == http.StatusBadRequest && req.URL.Scheme == "http":
		return errors.New("the image service answers HTTP 400: if TLS is spoken there, write https:// in IMAGE_API_URL")
	}
	return nil
}
