//go:build !faults

package main

import "time"

// clock is the time that the service goes by. The build for fault runs (tag "faults",
// clock_faults.go) has one that can be set wrong; this one cannot.
func clock() func() time.Time { return time.Now }
