// Package storetest is the one suite that every store passes: what the doc comments
// of the ports in internal/app promise, as tests. It knows nothing of any database.
package storetest

import (
	"context"
	"testing"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/app"
	"github.com/creativeflow/aigen/internal/assets"
	"github.com/creativeflow/aigen/internal/operations"
	"github.com/creativeflow/aigen/internal/outbox"
	"github.com/creativeflow/aigen/internal/reconcile"
)

// Store is everything that a store is, and Audit, by which the suite sees what no
// port shows.
type Store interface {
	app.GenerationRepository
	outbox.Store
	app.Ledger
	assets.Repository
	operations.Store
	reconcile.RunLister

	// Audit counts the rows of each table, and reports every breach of what must
	// always hold: accounts are the sums of their entries, a run is deducted or
	// refunded as its state says, a log ends where its generation says.
	Audit(ctx context.Context) (rows map[string]int64, faults []string, err error)
}

// Options of the store that a test asks for.
type Options struct {
	InitialCredits aigen.Credits
}

// Open makes an empty store, which closes itself at the end of the test.
type Open func(t *testing.T, o Options) Store

// Run runs the suite.
func Run(t *testing.T, open Open) {
	t.Helper()
	tests := []struct {
		name string
		test func(*testing.T, Open)
	}{
		{"Generation/every state comes back as it was written", testRoundTrip},
		{"Generation/input passes through unchanged", testInputPassesThrough},
		{"Generation/not found", testNotFound},
		{"Generation/old runs change too", testOldRuns},
		{"Generation/discard", testDiscard},
		{"Generation/due", testDue},
		{"Runs/all of them, in order", testRuns},
		{"Runs/a user's queue", testCountQueued},
		{"List/order and filters", testListFilters},
		{"List/pages with equal times", testListPages},
		{"Apply/version conflict", testVersionConflict},
		{"Apply/a bad change does not spoil its neighbours", testNeighbours},
		{"Apply/a row that breaks a rule does not spoil its neighbours", testBrokenRow},
		{"Apply/the same generation twice", testTwiceInOneBatch},
		{"Apply/a refused change leaves nothing", testNothingLeft},
		{"Apply/cancelled context", testCancelledContext},
		{"Apply/fifty writers of one generation", testManyWriters},
		{"Events/order and limits", testEvents},
		{"Events/positions without gaps", testPositions},
		{"Events/a reader misses nothing", testReaderMissesNothing},
		{"Idempotency/keys", testKeys}, {"Idempotency/key of another", testKeyOfAnother},
		{"Idempotency/purge", testPurge},
		{"Retention/what ended goes, the rest stays", testRemoveEnded},
		{"Retention/credits that are not decided", testRemoveUndecided},
		{"Retention/several at once", testRemoveAtOnce},
		{"Outbox/claim", testClaim},
		{"Outbox/claims in a row", testClaimsInARow},
		{"Outbox/born leased", testBornLeased},
		{"Outbox/users who wait, and claims of one", testWaitingUsers},
		{"Outbox/verdicts", testVerdicts},
		{"Outbox/withdrawn jobs", testWithdrawnJobs},
		{"Outbox/withdrawn while finished", testWithdrawnWhileFinished},
		{"Outbox/settled job", testSettledJob},
		{"Outbox/uncounted", testUncounted},
		{"Outbox/lease taken over", testLeaseTakenOver},
		{"Outbox/late but not replaced", testLateOwner},
		{"Outbox/extend and release", testExtendRelease},
		{"Outbox/many claimers", testManyClaimers},
		{"Outbox/list", testListDeliveries},
		{"Outbox/retry", testRetryDeliveries},
		{"Ledger/open and grant", testGrant},
		{"Ledger/insufficient credits", testInsufficient},
		{"Ledger/one end for each run", testOneEnd},
		{"Ledger/counter before the account", testCounterFirst},
		{"Ledger/parallel reservations", testParallelReservations},
		{"Ledger/random movements", testRandomPostings},
		{"Operator/list of all users", testListAll},
		{"Operator/pages of all users", testListAllPages},
		{"Operator/a run by its id and its jobs'", testFindRun},
		{"Operator/entries of runs", testEntries},
		{"Operator/retry and drop", testSettleDeliveries},
		{"Operator/actions", testActions},
		{"Operator/who failed a generation", testOperatorNote},
		{"Operator/activity", testActivity},
		{"Operator/causes of dead deliveries", testDeadCauses},
		{"Assets/written with the report", testAssetsOfChange},
		{"Assets/uploads of a user", testUploads},
		{"Assets/in use", testAssetsInUse},
		{"Assets/when they are removed", testAssetRemovals},
		{"Assets/of a generation that is removed", testAssetsOfRemoved},
		{"Options/come back, and an external id is unique", testOptions},
		{"Stats", testStats},
		{"Ping", testPing},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tt.test(t, open)
		})
	}
}
