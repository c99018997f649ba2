package main

import (
	"context"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// The garbage collector runs when the heap has grown by a share of what is alive, by
// default by as much again. The service keeps little alive, about 10 MiB, so under
// load it would collect tens of times a second, a sixth of its time. Let it grow by
// this much instead, which is little for a machine; where more is alive, for
// thousands of event streams, the share becomes the default one again.
const (
	heapSlack      = 64 << 20 // bytes
	loosest        = 400      // percent
	defaultPercent = 100
	tuneEvery      = 5 * time.Second
)

// tuneGC works until ctx ends. Whoever sets GOGC has decided otherwise.
func tuneGC(ctx context.Context) {
	if os.Getenv("GOGC") != "" {
		return
	}
	debug.SetGCPercent(loosest)
	// What the start needed and nobody needs again goes back to the machine.
	debug.FreeOSMemory()
	tick := time.NewTicker(tuneEvery)
	defer tick.Stop()
	set := loosest
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if want := collectorPercent(liveHeap()); want != set {
			debug.SetGCPercent(want)
			set = want
		}
	}
}

// collectorPercent is in steps, since setting it stops the program for a moment.
func collectorPercent(alive uint64) int {
	percent := loosest
	for percent > defaultPercent && alive*uint64(percent)/100 > heapSlack {
		percent /= 2
	}
	return percent
}

// liveHeap is what the last collection has found alive, in bytes.
func liveHeap() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(sample)
	if sample[0].Value.Kind() != metrics.KindUint64 {
		return 0
	}
	return sample[0].Value.Uint64()
}
