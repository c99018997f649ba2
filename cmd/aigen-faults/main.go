// Command aigen-faults breaks the service on purpose and counts what was lost: see
// docs/faults.md. It ends with the line "N faults, M generations, K violations", and
// with 1 where K is not 0.
package main

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/creativeflow/aigen/test/faults"
)

func main() { os.Exit(run()) }

func run() int {
	o := faults.Options{Out: os.Stdout}
	store := flag.String("store", string(faults.PostgreSQL), "postgres: three replicas on PostgreSQL, RabbitMQ and Redis; sqlite: one on SQLite")
	flag.IntVar(&o.Seconds, "seconds", 600, "how long faults are injected")
	flag.Uint64Var(&o.Seed, "seed", 0, "of the schedule; 0: a random one, which is printed")
	flag.IntVar(&o.People, "people", 0, "how many people work at a time (0: 20, with sqlite 8)")
	flag.IntVar(&o.Stories, "stories", 10, "how many offending generations are told")
	flag.StringVar(&o.Folder, "folder", "", "for logs and databases, kept (default: a temporary one, kept after violations)")
	flag.BoolVar(&o.Calm, "calm", false, "inject nothing")
	schedule := flag.Bool("schedule", false, "print the schedule and end")
	kinds := flag.String("only", "", "inject these kinds alone, parted by commas: half-open,cut")
	flag.Parse()
	o.Store = faults.Store(*store)
	if o.Store != faults.PostgreSQL && o.Store != faults.SQLite || flag.NArg() > 0 || o.Seconds < 1 {
		flag.Usage()
		return 2
	}
	for _, kind := range strings.Split(*kinds, ",") {
		switch {
		case kind == "":
		case !faults.Kind(kind).Known():
			fmt.Fprintf(os.Stderr, "aigen-faults: no faults are of the kind %q: --schedule shows those there are\n", kind)
			return 2
		default:
			o.Only = append(o.Only, faults.Kind(kind))
		}
	}
	if o.Seed == 0 {
		o.Seed = uint64(rand.Uint32()) //nolint:gosec // G404: a seed, no secret
	}
	if *schedule {
		faults.PrintSchedule(os.Stdout, faults.Schedule(o.Store, o.Seconds, o.Seed))
		return 0
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	res, err := faults.Run(ctx, o)
	switch {
	case err != nil:
		fmt.Fprintln(os.Stderr, "aigen-faults:", err)
		return 1
	case len(res.Violations) > 0:
		return 1
	}
	return 0
}
