// Command withservers runs a command with PostgreSQL, RabbitMQ and Redis at hand:
//
//	go run ./internal/testenv/withservers go test ./...
//
// It finds or starts the servers (package testenv says how), names them to the
// command by TEST_DATABASE_URL, TEST_RABBITMQ_URL and TEST_REDIS_URL, exits with the
// command's code, and stops what it started.
package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"sync"
	"syscall"

	"github.com/creativeflow/aigen/internal/testenv"
)

func main() { os.Exit(run(os.Args[1:])) }

func run(args []string) int {
	if len(args) == 0 {
		fmt.Fprintln(os.Stderr, "usage: withservers command [argument …]")
		return 2
	}
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	servers, err := start()
	defer stop(servers)
	if err != nil {
		fmt.Fprintln(os.Stderr, "withservers:", err)
		return 1
	}
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr, cmd.Env = os.Stdin, os.Stdout, os.Stderr, os.Environ()
	for _, s := range servers {
		cmd.Env = append(cmd.Env, s.Variable()+"="+s.URL())
	}
	if err := cmd.Start(); err != nil {
		fmt.Fprintln(os.Stderr, "withservers:", err)
		return 1
	}
	go func() {
		for s := range signals {
			_ = cmd.Process.Signal(s) // it ends, and so do we
		}
	}()
	err = cmd.Wait()
	var exit *exec.ExitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &exit) && exit.ExitCode() > 0:
		return exit.ExitCode()
	}
	fmt.Fprintln(os.Stderr, "withservers:", err)
	return 1
}

// start brings all three up at the same time.
func start() ([]*testenv.Server, error) {
	kinds := []testenv.Kind{testenv.PostgreSQLKind(), testenv.RabbitMQKind(), testenv.RedisKind()}
	found, errs := make([]*testenv.Server, len(kinds)), make([]error, len(kinds))
	for _, k := range kinds { // apt-get runs once at a time
		if err := testenv.Install(k); err != nil {
			return nil, err
		}
	}
	var wg sync.WaitGroup
	for i, k := range kinds {
		wg.Go(func() { found[i], errs[i] = testenv.Find(k) })
	}
	wg.Wait()
	var servers []*testenv.Server
	for i, s := range found {
		if errs[i] != nil {
			continue
		}
		servers = append(servers, s)
		how := "found"
		if s.Own() {
			how = "started"
		}
		fmt.Fprintf(os.Stderr, "withservers: %s %s\n", how, kinds[i].Name)
	}
	return servers, errors.Join(errs...)
}

func stop(servers []*testenv.Server) {
	var wg sync.WaitGroup
	for _, s := range servers {
		wg.Go(func() {
			if err := s.Close(); err != nil {
				fmt.Fprintln(os.Stderr, "withservers:", err)
			}
		})
	}
	wg.Wait()
}
