// Package client calls the HTTP API of the orchestrator (contract section 1), for
// the command line and for whoever writes a program in Go.
//
// Every call may be repeated without harm, and is: a request that changes something
// carries an Idempotency-Key, the same at every try.
package client

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Config says where the service is and how patient to be. BaseURL is required; the
// zero value of everything else takes the default named.
type Config struct {
	BaseURL string // http://host:port, with a path if the service is mounted below one
	// Token gives the user's JWT for one request. It is asked before each, so that
	// it may renew the token, or refuse to send one; nil: none is sent.
	Token     func(ctx context.Context) (string, error)
	UserAgent string // default "aigen-client"

	// HTTPClient does the requests. It must have no Timeout, which would cut
	// streams off; calls are bounded by CallTimeout. Default: one of its own.
	HTTPClient *http.Client

	Attempts    int           // tries of one call, the first included; default 5
	CallTimeout time.Duration // of one try of a call; default 30 s
	MinDelay    time.Duration // before the second try, doubled from then on; default 250 ms
	MaxDelay    time.Duration // between two tries, also when the service asks for more; default 30 s

	// IdleTimeout is how long a stream or a download may be silent. The service
	// sends heartbeats, so silence means that the connection is dead. Default 45 s.
	IdleTimeout time.Duration
	// MaxOutage is how long a stream tries to find the service again; default 2 min.
	MaxOutage time.Duration
	// MaxDownload bounds a picture, in bytes; default 256 MiB.
	MaxDownload int64
}

// Client calls one service as one user. Its methods may be called from many goroutines.
type Client struct {
	Config

	base *url.URL
	// api is HTTPClient for what carries a token: it follows no redirect. Go would take
	// the token along to another port, and from https to http.
	api *http.Client
}

// New checks c. The error is for a person: it names what is wrong with the URL.
func New(c Config) (*Client, error) {
	base, err := parseBase(c.BaseURL)
	if err != nil {
		return nil, err
	}
	if c.HTTPClient == nil {
		c.HTTPClient = &http.Client{Transport: newTransport()}
	}
	c.UserAgent = orDefault(c.UserAgent, "aigen-client")
	c.Attempts = orDefault(c.Attempts, 5)
	c.CallTimeout = orDefault(c.CallTimeout, 30*time.Second)
	c.MinDelay = orDefault(c.MinDelay, 250*time.Millisecond)
	c.MaxDelay = orDefault(c.MaxDelay, 30*time.Second)
	c.IdleTimeout = orDefault(c.IdleTimeout, 45*time.Second)
	c.MaxOutage = orDefault(c.MaxOutage, 2*time.Minute)
	c.MaxDownload = orDefault(c.MaxDownload, 256<<20)
	api := *c.HTTPClient
	api.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &Client{Config: c, base: base, api: &api}, nil
}

// Static gives the same token for each request.
func Static(token string) func(context.Context) (string, error) {
	return func(context.Context) (string, error) { return token, nil }
}

// CheckBaseURL reports what is wrong with the URL of a service.
func CheckBaseURL(raw string) error {
	_, err := parseBase(raw)
	return err
}

func parseBase(raw string) (*url.URL, error) {
	u, err := url.Parse(strings.TrimRight(raw, "/"))
	switch {
	case err != nil:
		return nil, errors.New("is not a URL")
	case u.Scheme != "http" && u.Scheme != "https", u.Host == "":
		return nil, errors.New("must begin with http:// or https:// and a host, such as http://127.0.0.1:8000")
	case u.RawQuery != "" || u.Fragment != "":
		return nil, errors.New("must have no query and no fragment")
	case u.User != nil:
		return nil, errors.New("must hold no user name or password: the service wants a token")
	}
	return u, nil
}

// newTransport is one of our own, so that CloseIdle touches nobody else's connections.
func newTransport() http.RoundTripper {
	t, ok := http.DefaultTransport.(*http.Transport)
	if !ok { // somebody has replaced it: theirs is what they want
		return http.DefaultTransport
	}
	t = t.Clone()
	t.MaxIdleConnsPerHost = 4
	return t
}

// CloseIdle frees the connections that are not in use.
func (c *Client) CloseIdle() { c.HTTPClient.CloseIdleConnections() }

// URL is the base URL of the service.
func (c *Client) URL() string { return c.base.String() }

// endpoint is the URL of a path of the API.
func (c *Client) endpoint(path string) string { return c.base.String() + "/api/v1" + path }

func orDefault[T comparable](v, otherwise T) T {
	var zero T
	if v == zero {
		return otherwise
	}
	return v
}

// unexpected is for answers that no service of this contract gives.
func unexpected(method, path string, err error) error {
	return fmt.Errorf("%s %s: the answer is not what this service gives (is the URL right?): %w", method, path, err)
}
