// Command bench measures how fast the service is, against what the machine gives: it
// starts PostgreSQL and RabbitMQ, loads the real program and bare baselines with the
// same generator in one run, and prints a table with ratios. docs/performance.md says
// how to run it and what the numbers mean.
//
//	go run ./bench            # everything, three rounds
//	go run ./bench -quick     # two minutes
//	go run ./bench -only accept,relay -rounds 1
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// options are the command line.
type options struct {
	quick   bool
	rounds  int
	only    string
	length  time.Duration // of one measurement
	rows    int           // of the grown tables
	output  string
	record  bool
	program string // the service; built if ""
	profile string // folder for profiles of the service; "" for none
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1) //nolint:gocritic // nothing is left to be cleaned up
	}
}

func run(ctx context.Context, args []string) error {
	if len(args) > 0 && args[0] == "baseline" {
		return runBaseline(ctx, args[1:])
	}
	o, err := parseOptions(args)
	if err != nil {
		return err
	}
	b, err := newBench(ctx, o)
	if err != nil {
		return err
	}
	defer b.close()
	if err := b.measureAll(ctx); err != nil {
		return err
	}
	return b.publish(ctx)
}

// runBaseline is the process that baseline (a) runs in.
func runBaseline(ctx context.Context, args []string) error {
	f := flag.NewFlagSet("baseline", flag.ContinueOnError)
	database := f.String("database", "", "URL of the database")
	connections := f.Int("connections", 64, "connections to it")
	if err := f.Parse(args); err != nil {
		return err
	}
	return serveBare(ctx, *database, *connections)
}

func parseOptions(args []string) (o options, err error) {
	f := flag.NewFlagSet("bench", flag.ContinueOnError)
	f.BoolVar(&o.quick, "quick", false, "a shorter run: one round of the main measures")
	f.IntVar(&o.rounds, "rounds", 0, "rounds, of which the medians are taken (3; quick: 1)")
	f.StringVar(&o.only, "only", "", "names of the measures to take, comma-separated: "+strings.Join(measureNames(), " "))
	f.DurationVar(&o.length, "length", 0, "time of one measurement (10s; quick: 4s)")
	f.IntVar(&o.rows, "rows", 10_000_000, "generations that the grown tables have")
	f.StringVar(&o.output, "out", "bench/out", "folder for latest.json")
	f.BoolVar(&o.record, "record", false, "append to bench/RESULTS.md")
	f.StringVar(&o.program, "program", "", "the service's program; built where none is named")
	f.StringVar(&o.profile, "profile", "", "folder for CPU, allocation, mutex and block profiles of the service")
	if err := f.Parse(args); err != nil {
		return o, err
	}
	if f.NArg() > 0 {
		return o, fmt.Errorf("unknown argument %q", f.Arg(0))
	}
	for _, name := range o.names() {
		if !slices.Contains(measureNames(), name) {
			return o, fmt.Errorf("unknown measure %q; there are: %s", name, strings.Join(measureNames(), " "))
		}
	}
	rounds, length := 3, 10*time.Second
	if o.quick {
		rounds, length = 1, 4*time.Second
	}
	if o.rounds == 0 {
		o.rounds = rounds
	}
	if o.length == 0 {
		o.length = length
	}
	return o, nil
}

func (o options) names() []string {
	if o.only == "" {
		return nil
	}
	return strings.Split(o.only, ",")
}

// build makes the programs that are measured, of the sources around us.
func (b *bench) build(ctx context.Context) (err error) {
	root, err := output(ctx, ".", "go", "env", "GOMOD")
	if err != nil {
		return err
	}
	b.root = filepath.Dir(root)
	b.commit, err = output(ctx, b.root, "git", "describe", "--always", "--dirty", "--exclude=*")
	if err != nil {
		b.commit = "unknown"
	}
	if b.self, err = os.Executable(); err != nil {
		return err
	}
	b.river = filepath.Join(b.dir, "river")
	if _, err := output(ctx, filepath.Join(b.root, "bench", "river"), "go", "build", "-o", b.river, "."); err != nil {
		return err
	}
	if b.program = b.o.program; b.program == "" {
		b.program = filepath.Join(b.dir, "aigen")
		args := []string{"build", "-trimpath", "-ldflags=-s -w", "-o", b.program}
		if b.o.profile != "" {
			args = append(args, "-tags=profile")
		}
		_, err = output(ctx, b.root, "go", append(args, "./cmd/aigen")...)
		return err
	}
	b.program, err = filepath.Abs(b.program)
	return err
}

func output(ctx context.Context, dir, name string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	out, err := cmd.Output()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return "", fmt.Errorf("%s %s: %w: %s", name, strings.Join(args, " "), err, exit.Stderr)
	}
	return strings.TrimSpace(string(out)), err
}
