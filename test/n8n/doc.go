// Package n8n tests the workflows of integrations/n8n in the real n8n, with the real
// service, PostgreSQL and RabbitMQ around it. `make e2e-n8n` runs it: the tests have
// the build tag n8n, since n8n is 3 GB and takes minutes to install.
package n8n
