package main

import (
	"crypto/x509"
	"sync"

	"github.com/creativeflow/aigen/internal/config"
)

var trustOnce sync.Once

// trustCAs adds the CAs of CA_CERTIFICATES to those of the system for every connection
// of the program. Each driver takes the system's when it is told nothing else, so this
// one place serves them all, the next one too.
func trustCAs(c config.TLS) {
	if c.CACertificates == "" {
		return
	}
	trustOnce.Do(func() { // once is all that package x509 allows
		pool, err := x509.SystemCertPool()
		if err != nil {
			pool = x509.NewCertPool() // a system without CAs, such as an image from scratch
		}
		pool.AppendCertsFromPEM([]byte(c.CACertificates))
		x509.SetFallbackRoots(pool)
	})
}
