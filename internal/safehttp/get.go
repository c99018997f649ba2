package safehttp

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Errors of Get. No error of this package holds an address: addresses may hold signatures.
var (
	// ErrAddress is returned for what is no http, https or data URL, and for a redirect to such.
	ErrAddress = errors.New("the address cannot be used: http, https or data is needed")
	// ErrTooLarge is returned for a body over MaxBytes.
	ErrTooLarge = errors.New("the file is too large")
	// ErrRedirects is returned after more than maxRedirects.
	ErrRedirects = errors.New("the address redirects too often")
)

// StatusError is the answer of a server that does not send the file.
type StatusError struct {
	Status int
	Wait   time.Duration // the server's Retry-After; 0: it does not say
}

// Error implements error.
func (e *StatusError) Error() string { return "the address answers " + strconv.Itoa(e.Status) }

// RetryAfter is how long the server asks to be left alone.
func (e *StatusError) RetryAfter() time.Duration { return e.Wait }

const maxRedirects = 3

// Client gets files. Its methods may be called from several goroutines.
type Client struct {
	http     *http.Client
	maxBytes int64
}

// Config are the settings of a Client.
type Config struct {
	Allowed  Allowed
	MaxBytes int64         // of a file
	Timeout  time.Duration // of one request, the body included
}

// NewClient builds a Client. It keeps no connection and uses no proxy: a proxy would
// connect for it, unchecked.
func NewClient(c Config) *Client {
	return &Client{
		maxBytes: c.MaxBytes,
		http: &http.Client{
			Timeout: c.Timeout,
			Transport: &http.Transport{
				DialContext: NewDialer(c.Allowed).DialContext, DisableKeepAlives: true,
				TLSHandshakeTimeout: 10 * time.Second, ResponseHeaderTimeout: c.Timeout,
				MaxResponseHeaderBytes: 64 << 10, DisableCompression: true,
			},
			CheckRedirect: func(req *http.Request, via []*http.Request) error {
				switch {
				case len(via) > maxRedirects:
					return ErrRedirects
				case !usable(req.URL):
					return ErrAddress
				}
				req.Header.Del("Referer") // it would show the signature of the first address
				return nil
			},
		},
	}
}

func usable(u *url.URL) bool {
	return (u.Scheme == "http" || u.Scheme == "https") && u.Hostname() != ""
}

// Get returns the file at an http, https or data URL. Errors: ErrForbidden, ErrAddress,
// ErrTooLarge, ErrRedirects, *StatusError, or one that a repeat may not meet.
func (c *Client) Get(ctx context.Context, address, accept string) ([]byte, error) {
	if rest, ok := strings.CutPrefix(address, "data:"); ok {
		return c.data(rest)
	}
	u, err := url.Parse(address)
	if err != nil || !usable(u) {
		return nil, ErrAddress
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), http.NoBody)
	if err != nil {
		return nil, ErrAddress
	}
	req.Header.Set("Accept", accept)
	req.Header.Set("User-Agent", "aigen")
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, reason(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		return nil, &StatusError{Status: resp.StatusCode, Wait: retryAfter(resp.Header.Get("Retry-After"))}
	}
	if resp.ContentLength > c.maxBytes {
		return nil, ErrTooLarge
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, c.maxBytes+1))
	switch {
	case err != nil:
		return nil, errors.New("the file was cut off")
	case int64(len(body)) > c.maxBytes:
		return nil, ErrTooLarge
	}
	return body, nil
}

// reason keeps the kind of an error and drops the address.
func reason(err error) error {
	for _, kind := range []error{ErrForbidden, ErrAddress, ErrRedirects, context.Canceled, context.DeadlineExceeded} {
		if errors.Is(err, kind) {
			return kind
		}
	}
	return errors.New("the address cannot be reached")
}

// data reads what follows "data:" (RFC 2397).
func (c *Client) data(rest string) ([]byte, error) {
	head, body, ok := strings.Cut(rest, ",")
	if !ok {
		return nil, ErrAddress
	}
	if !strings.HasSuffix(strings.ToLower(head), ";base64") {
		text, err := url.PathUnescape(body)
		if err != nil {
			return nil, ErrAddress
		}
		return []byte(text), nil
	}
	if int64(base64.StdEncoding.DecodedLen(len(body))) > c.maxBytes+2 {
		return nil, ErrTooLarge
	}
	body = strings.TrimRight(strings.NewReplacer("%2B", "+", "%2F", "/", "%3D", "=", "-", "+", "_", "/").Replace(body), "=")
	out, err := base64.RawStdEncoding.DecodeString(body)
	if err != nil {
		return nil, fmt.Errorf("%w: the data is no base64", ErrAddress)
	}
	return out, nil
}

const longestWait = time.Hour

func retryAfter(text string) time.Duration {
	if n, err := strconv.ParseUint(strings.TrimSpace(text), 10, 32); err == nil {
		return min(time.Duration(n)*time.Second, longestWait)
	}
	return 0
}
