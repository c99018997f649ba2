package config

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"strings"
)

// parseCertificates checks that the text holds certificates and nothing else, and
// gives it back with real line breaks. Text between the blocks is left alone: bundles
// name their certificates there.
func parseCertificates(raw string) (string, error) {
	text := strings.ReplaceAll(raw, `\n`, "\n")
	count := 0
	for block, rest := pem.Decode([]byte(text)); block != nil; block, rest = pem.Decode(rest) {
		if strings.Contains(block.Type, "PRIVATE") {
			return "", problem("holds a private key, which must not be here: give the CA's certificate alone")
		}
		if block.Type != "CERTIFICATE" {
			return "", problem("holds something else than certificates: give PEM blocks of the type CERTIFICATE alone")
		}
		count++
		if _, err := x509.ParseCertificate(block.Bytes); err != nil {
			return "", problemf("holds a certificate that cannot be read (number %d): export it again as PEM", count)
		}
		if !bytes.Contains(rest, []byte("-----BEGIN")) {
			break // trailing text
		}
	}
	if count == 0 {
		return "", problem(`is not PEM: give "-----BEGIN CERTIFICATE-----" and what follows, or the path of such a file by CA_CERTIFICATES_FILE`)
	}
	return text, nil
}

// showCertificates says how many there are: a bundle is too long to be shown.
func showCertificates(text string) string {
	switch n := strings.Count(text, "-----BEGIN CERTIFICATE-----"); n {
	case 0:
		return ""
	case 1:
		return "1 certificate"
	default:
		return fmt.Sprintf("%d certificates", n)
	}
}
