package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"
)

// explain is an error with what to change. The adapters say what they wanted; what is
// wrong with a network, a name or a certificate is the same for all of them.
func explain(setting string, err error) string {
	text := err.Error()
	if what := remedy(setting, err); what != "" {
		text += "; " + what
	}
	return strings.Join(strings.Fields(text), " ") // drivers' errors have line breaks
}

func remedy(setting string, err error) string {
	var (
		unknown x509.UnknownAuthorityError
		host    x509.HostnameError
		invalid x509.CertificateInvalidError
		noTLS   tls.RecordHeaderError
		noName  *net.DNSError
	)
	switch {
	case errors.As(err, &unknown):
		return "give the certificate of its CA by CA_CERTIFICATES_FILE" + ownOption[setting]
	case errors.As(err, &host):
		return "write a host name in " + setting + " that the certificate is for, or have one made for this name"
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return "renew the certificate of the server of " + setting + ", and compare the clocks"
	case errors.As(err, &invalid):
		return "have another certificate made for the server of " + setting
	case errors.As(err, &noTLS) || errors.Is(err, http.ErrSchemeMismatch):
		return "no TLS is spoken at this port: correct the port in " + setting + ", or write " + plainOf[setting]
	case strings.Contains(err.Error(), `\x15\x03`): // quoted by a driver that took a TLS alert for an answer
		return "TLS is spoken at this port: write " + tlsOf[setting] + ", or correct the port"
	case strings.Contains(err.Error(), "malformed HTTP response"):
		return "what answers there does not speak HTTP: correct the port in " + setting + ", or write https:// if it speaks TLS"
	case errors.As(err, &noName) && noName.IsNotFound:
		return "correct the host in " + setting
	case errors.As(err, &noName):
		return "the name server does not answer: correct the host in " + setting + ", or this machine's DNS"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "correct the host and the port in " + setting + ", or start the server"
	case errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET) || hungUp(err.Error()):
		return "the server hangs up at once: write " + tlsOf[setting] + " if it speaks TLS, or correct the port in " + setting
	case errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, context.DeadlineExceeded):
		return "nothing answers in time: correct the host and the port in " + setting + ", write " + plainOf[setting] + " if no TLS is spoken there, or let the firewall pass it"
	}
	return ""
}

// hungUp is for the driver of RabbitMQ, which keeps of an error only its text.
func hungUp(text string) bool {
	return strings.Contains(text, `"EOF"`) || strings.Contains(text, "connection reset by peer")
}

// ownOption is how the URL itself can name a CA.
var ownOption = map[string]string{
	"DATABASE_URL": ", or by sslrootcert=… in DATABASE_URL",
	"RABBITMQ_URL": ", or by cacertfile=… in RABBITMQ_URL",
}

// tlsOf is a URL with TLS.
var tlsOf = map[string]string{
	"DATABASE_URL": "sslmode=verify-full", "RABBITMQ_URL": "amqps://", "REDIS_URL": "rediss://",
	"ODOO_SERVICE_URL": "https://", "NOTIFICATION_SERVICE_URL": "https://", "N8N_WEBHOOK_URL": "https://",
	"IMAGE_API_URL": "https://", "JWT_JWKS_URL": "https://", "OTEL_EXPORTER_OTLP_ENDPOINT": "https://",
}

// plainOf is a URL without TLS.
var plainOf = map[string]string{
	"DATABASE_URL": "sslmode=disable", "RABBITMQ_URL": "amqp://", "REDIS_URL": "redis://",
	"ODOO_SERVICE_URL": "http://", "NOTIFICATION_SERVICE_URL": "http://", "N8N_WEBHOOK_URL": "http://",
	"IMAGE_API_URL": "http://", "JWT_JWKS_URL": "http://", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://",
}
