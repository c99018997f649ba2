// Package postgres keeps generations, the outbox and the embedded ledger in
// PostgreSQL: the store of an installation with several replicas, or many users.
//
// # How changes are applied
//
// [Store.Apply] takes a slice of changes and writes them in one transaction of two round
// trips, whatever their number.
//
//   - apply.go: the batch, and what is done when a row breaks a rule of the schema
//   - load.go: the first round trip locks and reads the rows that the changes touch
//   - evaluate.go: in memory, each change is accepted or refused, one after the other
//   - store_rows.go: the second round trip writes the sum, one statement for each table,
//     and commits
//
// Rows are locked in a fixed order: accounts, generations, idempotency keys, each by id.
// A transaction that loses all the same (a deadlock, a serialization failure, a row that
// another transaction inserted first) is repeated.
//
// # Commit recovery
//
// A connection that is lost during a commit leaves open whether the transaction was
// committed. Three mechanisms make sure that a caller gets a true answer. None of them
// can be turned off.
//
//   - A commit that was sent is never cancelled (commit.go): with synchronous standbys the
//     server would confirm what it alone has. A commit without an answer keeps its
//     connection, outside of the pool. After four of them the process stops writing.
//   - A commit whose outcome is not known is looked for (commit_recovery.go): the changes
//     are applied once more, in a transaction that locks what they touch and finds the
//     rows that the lost one would have written. Each change has a random number, which
//     its events carry (events.change_id).
//   - That transaction writes something of its own ("proof" in commit.go), so that its
//     commit waits for the standbys: a row that is seen may be on the primary alone.
//
// # What exists for speed
//
// Everything else here would give the same results without these, more slowly.
// docs/performance.md has the measurements.
//
//   - Shared transactions: internal/batch gathers the changes of concurrent calls into one
//     call of Apply, and loads into one call of GetMany. DATABASE_BATCHING turns it off.
//   - Array parameters (array_param.go): one statement for each table, whose columns travel
//     as arrays in PostgreSQL's binary form.
//   - A new generation is not looked up before it is inserted (batch.thorough in apply.go):
//     if it exists, a unique index refuses it and the transaction is repeated with a lookup.
//   - Fixed plans (settings in tx.go): a statement that was planned on an empty table may
//     not fall back to reading the whole table when there are a million rows.
//   - Commits that do not wait for the disk (writeAsync in tx.go), for leases and ends of
//     deliveries: what a crash loses of those is delivered again.
//   - The claim cursor (claim_cursor.go): a claim begins where the last one ended, not at
//     the rows that were claimed before and are not vacuumed yet.
//   - Counts of statuses (stats.go): Apply adds up what its changes do to the counts, in
//     one of 256 rows, so that processes rarely wait for each other. A trigger counts for
//     everybody else.
//   - A delivery that is due at once is inserted with a lease of this process
//     (internal/outbox), so that it need not be claimed.
//
// # Poolers
//
// No session state outlives a transaction: no advisory lock, no SET, no LISTEN.
// PgBouncer in transaction mode works with default_query_exec_mode=exec in the URL
// (postgres://…/aigen?default_query_exec_mode=exec), or simple_protocol, which send
// no prepared statement. From version 1.21 on, with max_prepared_statements set,
// PgBouncer keeps prepared statements itself, and the default, which is faster, works
// too. Without it the default fails with "prepared statement does not exist".
package postgres
