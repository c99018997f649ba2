//go:build odoo

package odoo

import (
	"regexp"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// The addon's own tests pass, on a copy of the database, as a part of its upgrade.
func TestAddon(t *testing.T) {
	s := theOdoo(t)
	require.NoError(t, s.end(15)) // a database that is in use cannot be copied
	_, err := s.postgresExec("CREATE DATABASE addon_tests TEMPLATE " + database + " OWNER odoo")
	require.NoError(t, err)
	out, err := s.tool(10*time.Minute, nil, "-d", "addon_tests", "-u", "creativeflow_credits",
		"--test-tags", "creativeflow_credits", "--stop-after-init")
	require.NoError(t, err, out)
	found := regexp.MustCompile(`0 failed, 0 error\(s\) of (\d+) tests`).FindStringSubmatch(out)
	require.NotNil(t, found, out)
	n, err := strconv.Atoi(found[1])
	require.NoError(t, err)
	require.GreaterOrEqual(t, n, 45, "the tests were found")
	require.NotRegexp(t, `WARNING \S+ odoo\.(addons\.creativeflow|modules|tools\.(convert|translate)|models|orm)`, out)
	t.Logf("Odoo %d: %s", s.version, found[0])
}

// What is removed leaves nothing behind that is in the way of an installation.
func TestUninstalled(t *testing.T) {
	s := theOdoo(t)
	require.NoError(t, s.end(15))
	_, err := s.postgresExec("CREATE DATABASE uninstalled TEMPLATE " + database + " OWNER odoo")
	require.NoError(t, err)
	script := "env['ir.module.module'].search([('name', '=', 'creativeflow_credits')]).button_immediate_uninstall()\n"
	out, err := s.shell("uninstalled", script)
	require.NoError(t, err, out)
	db := s.open(t, "uninstalled")
	var left int
	require.NoError(t, db.QueryRow(`
		SELECT (SELECT count(*) FROM pg_class WHERE relname LIKE 'creativeflow%') + (SELECT count(*) FROM pg_proc WHERE proname LIKE 'creativeflow%')
			+ (SELECT count(*) FROM ir_model_data WHERE module = 'creativeflow_credits')`).Scan(&left))
	require.Zero(t, left, out)
	out, err = s.tool(5*time.Minute, nil, "-d", "uninstalled", "-i", "creativeflow_credits", "--stop-after-init")
	require.NoError(t, err, out)
}
