package postgres_test

import (
	"context"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen/internal/postgres"
)

func TestMigrations(t *testing.T) {
	t.Parallel()
	postgres.Internals{}.TryMigrations(t, database(t))
}

// Replicas that start at once.
func TestMigrationsAtOnce(t *testing.T) {
	t.Parallel()
	server := database(t)
	errs := make(chan error, 8)
	for range cap(errs) {
		go func() {
			s, err := postgres.Open(context.WithoutCancel(t.Context()), server, postgres.Options{})
			if err == nil {
				err = s.Close()
			}
			errs <- err
		}()
	}
	for range cap(errs) {
		require.NoError(t, <-errs)
	}
	s := open(t, server, postgres.Options{InitialCredits: 1000})
	write(t, s)
	checkInvariants(t, s)
}

// A migration does not make the service wait behind it for a table that is in use.
func TestMigrationGivesWay(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("waits for a lock for three seconds")
	}
	server := database(t)
	s := open(t, server, postgres.Options{InitialCredits: 1000})
	locked, err := raw(t, server).Begin(t.Context())
	require.NoError(t, err)
	_, err = locked.Exec(t.Context(), `SELECT count(*) FROM runs`)
	require.NoError(t, err)
	postgres.Internals{}.MigrateInUse(t, server, func() {
		write(t, s) // in the gap
		require.NoError(t, locked.Rollback(context.Background()))
	})
	write(t, s)
}

func TestTransactionThatPanics(t *testing.T) {
	t.Parallel()
	s := open(t, database(t), postgres.Options{PoolSize: 1, Logger: quiet})
	postgres.Internals{}.Panics(t, s)
	rows, _, err := s.Audit(t.Context())
	require.NoError(t, err)
	require.EqualValues(t, 1, rows["accounts"], "that of the last transaction, which was well")
}

// The queries that run all the time find what they look for by an index.
func TestQueriesUseIndexes(t *testing.T) {
	t.Parallel()
	postgres.Internals{}.CheckPlans(t, database(t))
}

// TestWritePlans writes the plans on a million generations to the file that
// AIGEN_EXPLAIN names.
func TestWritePlans(t *testing.T) { //nolint:paralleltest // it takes the whole machine
	file := os.Getenv("AIGEN_EXPLAIN")
	if file == "" {
		t.Skip("set AIGEN_EXPLAIN to the file to write; takes minutes")
	}
	postgres.Internals{}.WritePlans(t, database(t), file)
}
