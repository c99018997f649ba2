package redis_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen/internal/redis"
)

func TestAddresses(t *testing.T) {
	t.Parallel()
	for url, says := range map[string]string{
		"redis://h":                                          "",
		"redis://h1:7000,h2,[::1]:7,[::2]":                   "",
		"rediss://:p@h1,h2":                                  "",
		"valkey://h/1":                                       "",
		"valkeys://h":                                        "",
		"redis+cluster://h":                                  "",
		"redis+sentinel://u:p@h1,h2:1/main":                  "",
		"redis+sentinel://h/main/2":                          "",
		"redis-sentinel://h/1?sentinelMasterId=main":         "",
		"redis://h/1?master_name=main&sentinel_password=p":   "",
		"redis://h/0?dial_timeout=2s&pool_size=3&protocol=3": "",
		"rediss://h?skip_verify=true":                        "",
		"redis://h?ssl_cert_reqs=none":                       `the option "ssl_cert_reqs", which is not known here: TLS is rediss://`,
		"rediss://h?ssl_ca_certs=/ca.pem":                    "CA_CERTIFICATES_FILE",
		"redis://h/0?timeout=2s":                             `the option "timeout", which is not known here: remove it`,
		"redis://h/0?dial_timeout=soon":                      `the option "dial_timeout" of REDIS_URL has a value`,
		"redis://h/mydb":                                     "a database that is not a number",
		"redis://h/0/1":                                      "a database that is not a number",
		"redis+cluster://h/1":                                "a Cluster has no databases but 0",
		"redis://h1,h2/1":                                    "a Cluster has no databases but 0",
		"redis+sentinel://h":                                 "names no master",
		"redis+sentinel://h/0":                               "names no master",
		"redis+sentinel://h/main/x":                          "a database that is not a number",
		"redis://":                                           "is not of the form",
		"http://h":                                           "is not of the form",
	} {
		c, err := redis.New(url, redis.Options{})
		if says == "" {
			require.NoError(t, err, url)
			require.NoError(t, c.Close())
			continue
		}
		require.ErrorContains(t, err, says, url)
	}
}
