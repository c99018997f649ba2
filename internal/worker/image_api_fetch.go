package worker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"syscall"
	"time"
)

// Some servers have their pictures on a host beside, and send the address. Whoever answers
// could so make us fetch from inside our own network (SSRF). So it is looked at where the
// connection is made, when names have become addresses: only those of the public network
// are dialled, and the server that was configured.

const (
	fetchTries = 3 // the picture was paid for
	fetchTime  = time.Minute
)

var (
	errInside  = errors.New("the picture's address leads inside")
	errAddress = errors.New("the picture's address cannot be used")
)

// newFetcher is the client for pictures. It keeps no connections, and uses no proxy: a
// proxy would dial for it.
func newFetcher(e endpoint) *http.Client {
	configured := hostPort(e.origin)
	dial := func(ctx context.Context, network, address string) (net.Conn, error) {
		d := net.Dialer{Timeout: 10 * time.Second}
		if address != configured {
			d.ControlContext = onlyOutside
		}
		return d.DialContext(ctx, network, address)
	}
	return &http.Client{
		Transport: &http.Transport{DialContext: dial, DisableKeepAlives: true, TLSHandshakeTimeout: 10 * time.Second},
		CheckRedirect: func(req *http.Request, via []*http.Request) error {
			if len(via) > 3 || !fetchable(req.URL) {
				return errAddress
			}
			return nil
		},
	}
}

// onlyOutside refuses a connection to an address that is not of the public network.
func onlyOutside(_ context.Context, _, address string, _ syscall.RawConn) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil || !isOutside(at.Addr()) {
		return errInside
	}
	return nil
}

// notOutside are networks that no picture for everybody lies in, beside those that
// package netip knows (https://www.iana.org/assignments/iana-ipv4-special-registry).
var notOutside = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"), netip.MustParsePrefix("100.64.0.0/10"), netip.MustParsePrefix("192.0.0.0/24"),
	netip.MustParsePrefix("198.18.0.0/15"), netip.MustParsePrefix("240.0.0.0/4"),
	netip.MustParsePrefix("168.63.129.16/32"), // Azure's own, for its machines
	netip.MustParsePrefix("::/96"), netip.MustParsePrefix("fec0::/10"),
	// What holds an IPv4 address that would have to be looked at again.
	netip.MustParsePrefix("64:ff9b::/96"), netip.MustParsePrefix("64:ff9b:1::/48"),
	netip.MustParsePrefix("2002::/16"), netip.MustParsePrefix("2001::/32"),
}

func isOutside(a netip.Addr) bool {
	a = a.Unmap().WithZone("")
	if !a.IsGlobalUnicast() || a.IsPrivate() { // the former leaves out loopback, link-local, multicast
		return false
	}
	for _, n := range notOutside {
		if n.Contains(a) {
			return false
		}
	}
	return true
}

func fetchable(u *url.URL) bool {
	return (u.Scheme == "http" || u.Scheme == "https") && u.Hostname() != ""
}

// fetch gets a picture from where an answer says that it is. Its error has no address.
func (p *ImageAPI) fetch(ctx context.Context, address string) ([]byte, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, errAddress
	}
	u = p.endpoint.origin.ResolveReference(u)
	if !fetchable(u) {
		return nil, errAddress
	}
	for try := 1; ; try++ {
		data, again, err := p.fetchOnce(ctx, u)
		if err == nil || !again || try == fetchTries {
			return data, err
		}
		select {
		case <-time.After(time.Duration(try) * 500 * time.Millisecond):
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

// fetchOnce also reports whether another try may help.
func (p *ImageAPI) fetchOnce(ctx context.Context, u *url.URL) (data []byte, again bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, fetchTime)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), http.NoBody)
	if err != nil {
		return nil, false, errAddress
	}
	req.Header.Set("Accept", "image/png, image/jpeg, image/webp")
	req.Header.Set("User-Agent", "aigen")
	if p.endpoint.sameOrigin(u) {
		p.identify(req)
	}
	resp, err := p.fetcher.Do(req)
	switch {
	case errors.Is(err, errInside):
		return nil, false, errInside
	case errors.Is(err, errAddress):
		return nil, false, errAddress
	case err != nil:
		return nil, ctx.Err() == nil, errors.New("the picture could not be fetched from its address") // not the cause: it has the address
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		return nil, true, fmt.Errorf("the picture's address answers %d", resp.StatusCode)
	}
	data, err = io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	switch {
	case err != nil:
		return nil, true, errors.New("the picture was cut off")
	case len(data) > maxAnswer:
		return nil, false, errTooLarge
	}
	_, err = checkPicture(data)
	return data, false, err
}
