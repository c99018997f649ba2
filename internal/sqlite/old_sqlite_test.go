package sqlite_test

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen/internal/app"
	"github.com/creativeflow/aigen/internal/ledger"
	"github.com/creativeflow/aigen/internal/sqlite"
	"github.com/creativeflow/aigen/internal/testenv"
)

// A backup as docs/operations.md makes it is sound for the system's own sqlite3, which
// may be years older than ours, and a dump of it is complete.
func TestBackupWithSystemSQLite(t *testing.T) {
	t.Parallel()
	program := testenv.Program(t, "/usr/bin/sqlite3", "sqlite3")
	shell := func(input string, args ...string) string {
		t.Helper()
		c := exec.CommandContext(t.Context(), program, append([]string{"-batch", "-bail"}, args...)...)
		c.Stdin = strings.NewReader(input)
		out, err := c.CombinedOutput()
		require.NoError(t, err, "%s", out)
		return strings.TrimSpace(string(out))
	}
	path, copied, restored := t.TempDir()+"/aigen.db", t.TempDir()+"/copy.db", t.TempDir()+"/restored.db"
	s := open(t, path, sqlite.Options{InitialCredits: 10_000})
	p := policy()
	for range 3 {
		write(t, s)
	}
	g := write(t, s).Generation
	require.NoError(t, g.Cancel(p))
	run := g.Runs[0]
	events, _ := g.Drain()
	require.NoError(t, s.Apply(t.Context(), []*app.Change{{
		Generation: g, From: g.Version, Events: events,
		Postings: []ledger.Posting{{Kind: ledger.Refund, UserID: g.UserID, GenerationID: g.ID, RunID: run.ID, Amount: run.Amount, At: g.UpdatedAt}},
	}})[0])

	shell("", path, ".backup '"+copied+"'")
	for _, file := range []string{path, copied} {
		require.Equal(t, "ok", shell("", file, "PRAGMA integrity_check"))
		require.Equal(t, "ok", shell("", file, "PRAGMA quick_check"))
	}
	shell(shell("", copied, ".dump"), restored)
	const counts = `SELECT (SELECT count(*) FROM generations), (SELECT count(*) FROM runs), (SELECT count(*) FROM events),
		(SELECT count(*) FROM deliveries), (SELECT count(*) FROM ledger_entries), (SELECT count(*) FROM accounts), (SELECT sum(n) FROM generation_counts),
		(SELECT count(*) FROM sqlite_schema)`
	require.Equal(t, shell("", copied, counts), shell("", restored, counts))
	require.True(t, strings.HasPrefix(shell("", restored, counts), "4|4|"))
	again := open(t, restored, sqlite.Options{})
	_, faults, err := again.Audit(t.Context())
	require.NoError(t, err)
	require.Empty(t, faults)
}
