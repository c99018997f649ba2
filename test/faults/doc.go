// Package faults breaks the service on purpose and counts what was lost.
//
// A run builds a stage (replicas of the real program on real servers, scripted servers
// for what is outside, toxiproxy between them all), lets people work on it while a
// seeded schedule of faults is carried out, waits until the dust has settled, and
// hands everything that anybody saw to the judge, which trusts no code of the service.
// docs/faults.md tells how to run it and how to read what it prints.
package faults
