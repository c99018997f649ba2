package config

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var databaseURL = field{tag: `schemes:"postgres postgresql sqlite"`}

func TestDatabaseURL(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]string{
		"postgres://u:p@host:5432/db?sslmode=require": "postgres://u:p@host:5432/db?sslmode=require",
		"POSTGRES://u:P@Host/Db":                      "postgres://u:P@Host/Db",
		"PostgreSQL://u:p@host/db":                    "postgresql://u:p@host/db",
		"postgres://u:%40%3A%2F%3F%23%25@host/db":     "postgres://u:%40%3A%2F%3F%23%25@host/db",
		"postgres://u:p@a:1,b:2/db":                   "postgres://u:p@a:1,b:2/db",
		"postgres://u@/db?host=/tmp/socket":           "postgres://u@/db?host=/tmp/socket",
		"postgres:///db?host=/tmp/x&user=me@srv":      "postgres:///db?host=/tmp/x&user=me@srv",
		"postgres://u@/db?host=::1,10.0.0.1&port=1,2": "postgres://u@/db?host=::1,10.0.0.1&port=1,2",
		"sqlite:aigen.db":                             "sqlite:aigen.db",
		"SQLITE:Aigen.db":                             "sqlite:Aigen.db",
		"sqlite:/var/a.db":                            "sqlite:/var/a.db",
		"sqlite:///var/a.db":                          "sqlite:/var/a.db",
		"sqlite:////var/a.db":                         "sqlite:/var/a.db",
		"SQLite:////var/a.db":                         "sqlite:/var/a.db",
	} {
		got, err := databaseURL.parseURL(raw)
		require.NoError(t, err, raw)
		assert.Equal(t, want, got.Reveal(), raw)
	}
}

// What is refused says what to change, and repeats no part of a password.
func TestDatabaseURLRefused(t *testing.T) {
	t.Parallel()
	for raw, says := range map[string]string{
		"postgres://u:p@ssW0RD:w!$rd@host/db":              "percent-encode",
		"postgres://me@srv:ssW0RD@host/db":                 "percent-encode",
		"postgres://u:ssW0RD#b@host/db":                    "percent-encode",
		"postgres://u:ssW0RD/b@host/db":                    "percent-encode",
		"postgres://u:ssW0RD?b@host/db":                    "percent-encode",
		"postgres://u:1/ssW0RD@host/db":                    "percent-encode",
		"postgres://u:1?ssW0RD@host/db":                    "percent-encode",
		"postgres://u:ssW0RD%b@host/db":                    "percent-encode",
		"POSTGRES://u:ssW0RD%zz@host/db":                   "percent-encode",
		"postgres://u:ss W0RD@host/db":                     "percent-encode",
		"postgres://u:ssW0RD[@host/db":                     "percent-encode",
		"postgres://u:ssW0RD@%2Ftmp%2Fsocket:5432/db":      "?host=/path",
		"postgres://u:ssW0RD@%2ftmp%2Fsocket/db":           "?host=/path",
		"postgres://u:ssW0RD@[::1]:1,127.0.0.1:2/db":       "IPv6",
		"postgres://u:ssW0RD@127.0.0.1:2,[::1]:1/db":       "IPv6",
		"host=127.0.0.1 user=u password=ssW0RD":            "write a URL",
		" password = ssW0RD host=h":                        "write a URL",
		"postgresql+psycopg2://u:ssW0RD@host/db":           "begin it with postgres://",
		"jdbc:postgresql://host/db?user=u&password=ssW0RD": "begin it with postgres://",
		"mysql://u:ssW0RD@host/db":                         "begin it with postgres://",
		"postgres://u:ssW0RD@host:99999/db":                "port",
		"sqlite://host/ssW0RD.db":                          "has a host",
		"sqlite:":                                          "names no file",
		"sqlite://":                                        "names no file",
		"sqlite:////":                                      "names no file",
		"SQLITE::memory:":                                  "in memory",
	} {
		_, err := databaseURL.parseURL(raw)
		require.ErrorContains(t, err, says, raw)
		assert.NotContains(t, err.Error(), "W0RD", raw)
	}
}
