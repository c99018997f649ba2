// Package wire is the form of requests and answers, which the API of users and the admin
// API have in common: reading bodies, objects and queries with all of their faults at
// once, the codes of errors and their one table, the views of what the domain has, and
// lists that end before they get too large.
package wire
