package config

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"net"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// minRSABits is the least RSA key that RS256 allows (RFC 7518, section 3.3).
const minRSABits = 2048

var hostName = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$`)

// parseHostPort checks an address to listen on. Named ports are refused, because
// what they mean depends on the machine.
func parseHostPort(raw string) (string, error) {
	const fix = "write host:port, such as 127.0.0.1:8000 or [::1]:8000"
	host, port, err := net.SplitHostPort(raw)
	if err != nil {
		return "", problemf("%s is not an address: %s", shown(raw), fix)
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || strconv.FormatUint(n, 10) != port {
		return "", problemf("%s has no port from 0 to 65535: %s", shown(raw), fix)
	}
	if _, err := netip.ParseAddr(host); err != nil && host != "" && !hostName.MatchString(host) {
		return "", problemf("%s names no host: %s", shown(raw), fix)
	}
	return raw, nil
}

// isLoopback says whether only this machine can reach addr. A host name other
// than localhost counts as reachable: what it resolves to can change.
func isLoopback(addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return false
	}
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback()
}

// parseOrigins reads a comma-separated list of origins, or *. Origins are lower
// case, as browsers send them.
func parseOrigins(raw string) ([]string, error) {
	var out []string
	for part := range strings.SplitSeq(raw, ",") {
		part = strings.ToLower(strings.TrimSpace(part))
		if part != "*" && !isOrigin(part) {
			return nil, problemf("entry %d is not an origin: write scheme://host[:port] without a path, or * alone", len(out)+1)
		}
		out = append(out, part)
	}
	if slices.Contains(out, "*") && len(out) > 1 {
		return nil, problem("has * beside other origins: write * alone, or leave it out")
	}
	return out, nil
}

func isOrigin(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") &&
		u.Hostname() != "" && s == u.Scheme+"://"+u.Host && checkTarget(u) == nil
}

// parseQueue refuses the names that RabbitMQ keeps for itself.
func parseQueue(raw string) (string, error) {
	if strings.HasPrefix(raw, "amq.") {
		return "", problemf("%s begins with amq., which RabbitMQ reserves: choose another name", shown(raw))
	}
	return raw, nil
}

// parsePublicKey checks that the PEM text holds a key that tokens may be verified
// with, and gives it back with real line breaks.
func parsePublicKey(raw string) (string, error) {
	text := strings.ReplaceAll(raw, `\n`, "\n")
	block, rest := pem.Decode([]byte(text))
	if block == nil {
		return "", problem(`is not PEM: give "-----BEGIN PUBLIC KEY-----" and what follows; in one line, write \n for the line breaks`)
	}
	if strings.Contains(block.Type, "PRIVATE") {
		return "", problem("is a private key, which must not be here: give the public one (`openssl pkey -pubout`)")
	}
	if block.Type != "PUBLIC KEY" || strings.TrimSpace(string(rest)) != "" {
		return "", problem("is not one PEM block of the type PUBLIC KEY: convert it (`openssl x509 -pubkey -noout` for a certificate)")
	}
	key, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return "", problem("holds a key that cannot be read: export it again (`openssl pkey -pubout`)")
	}
	switch k := key.(type) {
	case *rsa.PublicKey:
		if k.N.BitLen() < minRSABits {
			return "", problemf("is an RSA key of %d bits: use one of at least %d", k.N.BitLen(), minRSABits)
		}
	case *ecdsa.PublicKey:
		if k.Curve != elliptic.P256() {
			return "", problem("is an ECDSA key on another curve: use P-256 (ES256)")
		}
	case ed25519.PublicKey:
	default:
		return "", problem("is a key of another kind: use RSA, ECDSA P-256 or Ed25519")
	}
	return text, nil
}

// parseSources reads host names, addresses and CIDRs.
func parseSources(raw string) ([]string, error) {
	var out []string
	for part := range strings.SplitSeq(raw, ",") {
		part = strings.ToLower(strings.TrimSpace(part))
		_, notPrefix := netip.ParsePrefix(part)
		_, notAddress := netip.ParseAddr(strings.Trim(part, "[]"))
		if notPrefix != nil && notAddress != nil && (part == "" || strings.ContainsAny(part, "/:@ *")) {
			return nil, problemf("entry %d is neither a host name nor an address nor a CIDR: write files.internal or 10.0.0.0/8", len(out)+1)
		}
		out = append(out, part)
	}
	return out, nil
}
