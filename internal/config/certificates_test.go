package config_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func certificatePEM(t *testing.T) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	require.NoError(t, err)
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

func TestCertificates(t *testing.T) {
	t.Parallel()
	one := certificatePEM(t)
	bundle := "# Our CA\n" + one + "\n# The old one\n" + certificatePEM(t) + "the end\n"
	c := mustLoad(t, files{"/ca.pem": bundle}, "CA_CERTIFICATES_FILE=/ca.pem")
	assert.Equal(t, strings.TrimSpace(bundle), strings.TrimSpace(c.TLS.CACertificates))
	assert.Equal(t, "2 certificates", settingOf(t, c, "CA_CERTIFICATES").Value)
	c = mustLoad(t, nil, "CA_CERTIFICATES="+strings.ReplaceAll(one, "\n", `\n`))
	assert.Equal(t, strings.TrimSpace(one), strings.TrimSpace(c.TLS.CACertificates), "in one line")
	assert.Equal(t, "1 certificate", settingOf(t, c, "CA_CERTIFICATES").Value)
	assert.Empty(t, settingOf(t, mustLoad(t, nil), "CA_CERTIFICATES").Value)

	broken := strings.Replace(one, "MII", "MIJ", 1)
	_, err := load(nil, "CA_CERTIFICATES="+one+broken)
	require.ErrorContains(t, err, "cannot be read (number 2)")
	key := string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: []byte("x")}))
	_, err = load(nil, "CA_CERTIFICATES="+one+key)
	require.ErrorContains(t, err, "private key")
}
