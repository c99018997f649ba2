package config_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

// A fault or a warning of a setting is named by the setting alone here; its text
// is for people.
func TestCrossChecks(t *testing.T) {
	t.Parallel()
	const (
		open     = "LISTEN_ADDR=0.0.0.0:8000"
		jwt      = "JWT_SECRET=" + longSecret
		callback = "N8N_CALLBACK_SECRET=" + otherSecret
		jwks     = "JWT_JWKS_URL=https://h/keys"
		insecure = "ENABLE_N8N_CALLBACK_SECURITY=false"
		rabbit   = "RABBITMQ_URL=amqp://h"
		webhook  = "N8N_WEBHOOK_URL=http://n/webhook/x"
		base     = "CALLBACK_BASE_URL=http://me"
	)
	tests := map[string]struct {
		environ  []string
		faults   []string
		warnings []string
	}{
		"loopback needs nothing":             {[]string{"LISTEN_ADDR=[::1]:80"}, nil, nil},
		"an IPv4 address in IPv6":            {[]string{"LISTEN_ADDR=[::ffff:127.0.0.1]:80"}, nil, nil},
		"all interfaces need both secrets":   {[]string{open}, []string{"JWT_SECRET", "N8N_CALLBACK_SECRET"}, nil},
		"so does an empty host":              {[]string{"LISTEN_ADDR=:80"}, []string{"JWT_SECRET", "N8N_CALLBACK_SECRET"}, nil},
		"and a host name":                    {[]string{"LISTEN_ADDR=example.com:80", jwt}, []string{"N8N_CALLBACK_SECRET"}, nil},
		"with both it may listen":            {[]string{open, jwks, callback}, nil, nil},
		"a bad secret is named once":         {[]string{open, "JWT_SECRET=short", callback}, []string{"JWT_SECRET"}, nil},
		"security off on loopback":           {[]string{insecure}, nil, []string{"ENABLE_N8N_CALLBACK_SECURITY"}},
		"security off is an explicit choice": {[]string{open, jwt, insecure}, nil, []string{"ENABLE_N8N_CALLBACK_SECURITY"}},
		"but tokens still need a key":        {[]string{open, insecure}, []string{"JWT_SECRET"}, []string{"ENABLE_N8N_CALLBACK_SECURITY"}},
		"two ways to prove tokens":           {[]string{jwt, jwks}, []string{"JWT_SECRET"}, nil},
		"Odoo without a key":                 {[]string{"ODOO_SERVICE_URL=http://o"}, []string{"ODOO_API_KEY"}, nil},
		"a key without Odoo":                 {[]string{"ODOO_API_KEY=k"}, nil, []string{"ODOO_API_KEY"}},
		"initial credits beside Odoo":        {[]string{"ODOO_SERVICE_URL=http://o", "ODOO_API_KEY=k", "LEDGER_INITIAL_CREDITS=1"}, nil, []string{"LEDGER_INITIAL_CREDITS"}},
		"n8n without a callback address":     {[]string{webhook}, nil, []string{"CALLBACK_BASE_URL"}},
		"RabbitMQ with one":                  {[]string{rabbit, base}, nil, nil},
		"RabbitMQ wins over the webhook":     {[]string{rabbit, webhook, base}, nil, []string{"N8N_WEBHOOK_URL"}},
		"a notification key alone":           {[]string{"NOTIFICATION_API_KEY=k"}, nil, []string{"NOTIFICATION_API_KEY"}},
		"a model alone":                      {[]string{"IMAGE_API_MODEL=m"}, nil, []string{"IMAGE_API_MODEL"}},
		"an exchange alone":                  {[]string{"GENERATION_JOB_EXCHANGE=e"}, nil, []string{"GENERATION_JOB_EXCHANGE"}},
		"an image API that n8n hides":        {[]string{webhook, base, "IMAGE_API_URL=http://i"}, nil, []string{"IMAGE_API_URL"}},
		"an image API without rendering":     {[]string{"IMAGE_API_URL=http://i", "WORKER_RENDER=0"}, nil, []string{"IMAGE_API_URL"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, err := load(nil, tt.environ...)
			var faults, warnings []string
			if err != nil {
				for _, f := range faultsOf(t, err) {
					faults = append(faults, f.Setting)
				}
			}
			for _, w := range c.Warnings {
				warnings = append(warnings, w.Setting)
			}
			assert.Equal(t, tt.faults, faults, "%v", err)
			assert.Equal(t, tt.warnings, warnings)
		})
	}
}
