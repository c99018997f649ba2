// Package outbox delivers what a transaction has decided to the systems outside: jobs to the
// workflow engine, operations to the credit service, notifications to users.
//
// The transaction that needs a delivery writes its row (a Delivery). A Relay leases rows
// that are due, hands them to the Handler of their Queue, and removes, retries or gives up
// on them. Every delivery happens at least once; receivers recognise repeats by its ID.
//
// The package knows the port of the store (Store) and no use-case.
package outbox
