// Package safehttp makes HTTP requests to addresses that came from outside: a link that an
// engine reported, a webhook that a customer registered. Whoever chooses an address could
// otherwise have the service talk to its own network (SSRF).
//
// The address is checked where the connection is made, after the name was resolved. So a
// name that resolves to something else at a second look-up gains nothing.
package safehttp

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"

	"code.dny.dev/ssrf"
)

// ErrForbidden is returned for an address that is loopback, private, link-local, a metadata
// service, or otherwise not of the public network, and not allowed by name.
var ErrForbidden = errors.New("the address is not of the public network")

// Allowed are destinations that may be reached although they are not of the public network.
type Allowed struct {
	hosts    []string
	prefixes []netip.Prefix
}

// ParseAllowed reads host names, addresses and CIDRs.
func ParseAllowed(list []string) (Allowed, error) {
	var a Allowed
	for _, entry := range list {
		entry = strings.TrimSpace(entry)
		if p, err := netip.ParsePrefix(entry); err == nil {
			a.prefixes = append(a.prefixes, p.Masked())
			continue
		}
		if ip, err := netip.ParseAddr(strings.Trim(entry, "[]")); err == nil {
			a.prefixes = append(a.prefixes, netip.PrefixFrom(ip.Unmap(), ip.Unmap().BitLen()))
			continue
		}
		if entry == "" || strings.ContainsAny(entry, "/:@ *") {
			return Allowed{}, fmt.Errorf("%q is neither a host name nor an address nor a CIDR, such as files.internal or 10.0.0.0/8", entry)
		}
		a.hosts = append(a.hosts, strings.ToLower(strings.TrimSuffix(entry, ".")))
	}
	return a, nil
}

func (a Allowed) host(name string) bool {
	return slices.Contains(a.hosts, strings.ToLower(strings.TrimSuffix(name, ".")))
}

// Dialer connects to allowed addresses alone.
type Dialer struct {
	allowed Allowed
	free    net.Dialer
	guarded net.Dialer
}

// NewDialer builds a Dialer.
func NewDialer(allowed Allowed) *Dialer {
	const timeout = 10 * time.Second
	var v4, v6 []netip.Prefix
	for _, p := range allowed.prefixes {
		if p.Addr().Is4() {
			v4 = append(v4, p)
		} else {
			v6 = append(v6, p)
		}
	}
	guardian := ssrf.New(ssrf.WithAnyPort(), ssrf.WithAllowedV4Prefixes(v4...), ssrf.WithAllowedV6Prefixes(v6...))
	return &Dialer{
		allowed: allowed,
		free:    net.Dialer{Timeout: timeout},
		guarded: net.Dialer{Timeout: timeout, Control: guardian.Safe},
	}
}

// DialContext connects. The error for a refused address is ErrForbidden.
func (d *Dialer) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	if d.allowed.host(host) {
		return d.free.DialContext(ctx, network, address)
	}
	conn, err := d.guarded.DialContext(ctx, network, address)
	if errors.Is(err, ssrf.ErrProhibitedIP) || errors.Is(err, ssrf.ErrProhibitedNetwork) || errors.Is(err, ssrf.ErrProhibitedPort) ||
		errors.Is(err, ssrf.ErrInvalidHostPort) {
		return nil, ErrForbidden
	}
	return conn, err
}
