//go:build faults

package main

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// clockVariable names a file that holds, in milliseconds, how wrong the clock is.
const clockVariable = "AIGEN_FAULTS_CLOCK"

// clock is the time that the service goes by, as wrong as the file says at the moment.
// Only a build with the tag "faults" has this: nobody can set the clock of a real one.
//
// What it hands out has no monotonic reading, so that differences of two times show
// the step, which is more than a stepped clock does to a real process.
func clock() func() time.Time {
	path := os.Getenv(clockVariable)
	if path == "" {
		return time.Now
	}
	writeGoroutines(filepath.Join(filepath.Dir(path), "goroutines"))
	var offset atomic.Int64
	read := func() {
		raw, err := os.ReadFile(path)
		if err != nil {
			return // not written yet: right
		}
		if ms, err := strconv.ParseInt(strings.TrimSpace(string(raw)), 10, 64); err == nil {
			offset.Store(ms * int64(time.Millisecond))
		}
	}
	read()
	go func() {
		for range time.Tick(50 * time.Millisecond) {
			read()
		}
	}()
	return func() time.Time { return time.Now().Round(0).Add(time.Duration(offset.Load())) }
}
