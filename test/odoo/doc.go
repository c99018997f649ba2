// Package odoo tests the addon of integrations/odoo in a real Odoo: its own tests, the
// service's credit client against it, and whole generations of the real program.
// `make e2e-odoo ODOO_DIR=…` runs it: the tests have the build tag odoo, since Odoo's
// source is not ours to bring.
package odoo
