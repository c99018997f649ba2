package e2e

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// authority is a CA that no system knows.
type authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
	file        string // its certificate as PEM
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: "a CA of our own"}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	require.NoError(t, err)
	a := &authority{key: key, file: filepath.Join(t.TempDir(), "ca.pem")}
	a.certificate, err = x509.ParseCertificate(der)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(a.file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600))
	return a
}

// sign makes a certificate for 127.0.0.1 alone.
func (a *authority) sign(t *testing.T, notAfter time.Time) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: "server"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: notAfter,
	}, a.certificate, &key.PublicKey, a.key)
	require.NoError(t, err)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// withTLS puts TLS before a server, and returns the address to reach it by.
func withTLS(t *testing.T, certificate tls.Certificate, server string) string {
	t.Helper()
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{certificate}, NextProtos: []string{"http/1.1", "postgresql"}})
	require.NoError(t, err)
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				back, err := net.Dial("tcp", server)
				if err != nil {
					return
				}
				defer back.Close()
				go func() { _, _ = io.Copy(back, conn); _ = back.Close() }()
				_, _ = io.Copy(conn, back)
			}()
		}
	}()
	return l.Addr().String()
}

// outside stands for the services that speak HTTP: each is content with anything.
func outside(t *testing.T) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "jwks.json") {
			_, _ = io.WriteString(w, `{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"a","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}`)
			return
		}
		w.WriteHeader(http.StatusOK)
	}))
	t.Cleanup(s.Close)
	return s.Listener.Addr().String()
}

func hostOf(t *testing.T, raw string) string {
	t.Helper()
	u, err := url.Parse(raw)
	require.NoError(t, err)
	return u.Host
}

// behindTLS are settings of one of everything, each behind a certificate of ours.
func behindTLS(t *testing.T, certificate tls.Certificate) map[string]string {
	t.Helper()
	s, o := sharedServers(t), startOdoo(t)
	database, err := url.Parse(s.database)
	require.NoError(t, err)
	database.Host = withTLS(t, certificate, database.Host)
	database.RawQuery = "sslmode=verify-full&sslnegotiation=direct"
	web := withTLS(t, certificate, outside(t))
	return map[string]string{
		"DATABASE_URL": database.String(),
		"RABBITMQ_URL": "amqps://guest:guest@" + withTLS(t, certificate, hostOf(t, s.broker)) + "/", "GENERATION_JOB_QUEUE": s.queue,
		"REDIS_URL":        "rediss://" + withTLS(t, certificate, hostOf(t, s.redis)) + "/0",
		"ODOO_SERVICE_URL": "https://" + withTLS(t, certificate, hostOf(t, o.url)), "ODOO_API_KEY": "key-of-odoo",
		"NOTIFICATION_SERVICE_URL": "https://" + web, "JWT_SECRET": "", "JWT_JWKS_URL": "https://" + web + "/jwks.json", "OTEL_EXPORTER_OTLP_ENDPOINT": "https://" + web,
	}
}

// checks is what doctor says of the checks alone.
func checks(t *testing.T, settings map[string]string) (string, int) {
	t.Helper()
	out, code := doctor(t, settings)
	_, after, _ := strings.Cut(out, "\nChecks\n")
	return after, code
}

var checked = []string{"database", "engine", "events", "credits", "notifications", "tokens", "traces"}

// With a CA of our own each connection is trusted by CA_CERTIFICATES, and without it
// each fault says so.
func TestOwnCA(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t)
	settings := behindTLS(t, ca.sign(t, time.Now().Add(time.Hour)))
	out, code := checks(t, settings)
	assert.Equal(t, 1, code, out)
	for _, name := range checked {
		assert.Regexp(t, `FAULT\s+`+name+`: .*signed by unknown authority; give the certificate of its CA by CA_CERTIFICATES_FILE`, out)
	}
	assert.NotContains(t, out, "nothing answers at")

	settings["CA_CERTIFICATES_FILE"] = newAuthority(t).file
	out, code = checks(t, settings)
	assert.Equal(t, 1, code, "another CA: %s", out)

	settings["CA_CERTIFICATES_FILE"] = ca.file
	out, code = checks(t, settings)
	assert.Equal(t, 0, code, out)

	named := map[string]string{}
	for name, value := range settings {
		named[name] = strings.ReplaceAll(value, "127.0.0.1", "localhost")
	}
	out, code = checks(t, named)
	assert.Equal(t, 1, code, out)
	for _, name := range checked {
		assert.Regexp(t, `FAULT\s+`+name+`: .*; write a host name in [A-Z_]+ that the certificate is for`, out)
	}

	plain := map[string]string{}
	for name, value := range settings {
		plain[name] = strings.NewReplacer("https://", "http://", "amqps://", "amqp://", "rediss://", "redis://").Replace(value)
	}
	out, code = checks(t, plain)
	assert.Equal(t, 1, code, out)
	for name, scheme := range map[string]string{"engine": "amqps", "events": "rediss", "credits": "https", "notifications": "https", "tokens": "https", "traces": "https"} {
		assert.Regexp(t, `FAULT\s+`+name+`: .*; the server hangs up at once: write `+scheme+`://`, out)
	}
}

// The engines that the others exclude.
func TestOwnCAOfOtherEngines(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t)
	good, old := withTLS(t, ca.sign(t, time.Now().Add(time.Hour)), outside(t)), withTLS(t, ca.sign(t, time.Now().Add(-time.Minute)), outside(t))
	for setting, name := range map[string]string{"IMAGE_API_URL": "pictures", "N8N_WEBHOOK_URL": "engine"} {
		out, code := checks(t, map[string]string{"WORKER_RENDER": "true", setting: "https://" + good + "/v1"})
		assert.Equal(t, 1, code, out)
		assert.Regexp(t, `FAULT\s+`+name+`: .*CA_CERTIFICATES_FILE`, out)
		out, code = checks(t, map[string]string{"WORKER_RENDER": "true", setting: "https://" + good + "/v1", "CA_CERTIFICATES_FILE": ca.file})
		assert.Equal(t, 0, code, out)
		out, code = checks(t, map[string]string{"WORKER_RENDER": "true", setting: "https://" + old + "/v1", "CA_CERTIFICATES_FILE": ca.file})
		assert.Equal(t, 1, code, out)
		assert.Regexp(t, `FAULT\s+`+name+`: .*renew the certificate of the server of `+setting, out)
	}
}
