package faults

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// goroutines asks a replica how many it has.
func (r *replica) goroutines() (int, error) {
	client := &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	res, err := client.Get(r.own() + "/metrics")
	if err != nil {
		return 0, err
	}
	defer res.Body.Close()
	lines := bufio.NewScanner(res.Body)
	for lines.Scan() {
		if value, ok := strings.CutPrefix(lines.Text(), "go_goroutines "); ok {
			n, err := strconv.ParseFloat(value, 64)
			return int(n), err
		}
	}
	return 0, errors.New("no go_goroutines in /metrics")
}

// files is how many files the process has open.
func (r *replica) files() int {
	found, _ := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", r.pid()))
	return len(found)
}

// listening is the state of a TCP socket that waits for connections, as the kernel
// writes it.
const listening = "0A"

// sockets counts the process's connections by the line that they are on, from what the
// kernel says: in any state, since one that nobody closes after its other end is gone
// (CLOSE_WAIT) is a leak too.
func (r *replica) sockets() map[string]int {
	byPort := map[string]string{}
	for name, l := range r.lines {
		byPort[portOf(l.addr)] = name
	}
	own := portOf(r.own())
	mine := map[string]bool{} // inodes
	links, _ := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", r.pid()))
	for _, link := range links {
		if to, err := os.Readlink(link); err == nil && strings.HasPrefix(to, "socket:[") {
			mine[strings.Trim(to, "socket:[]")] = true
		}
	}
	counts := map[string]int{}
	for _, table := range []string{"tcp", "tcp6"} {
		raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/net/%s", r.pid(), table))
		if err != nil {
			continue
		}
		for _, line := range strings.Split(string(raw), "\n") {
			fields := strings.Fields(line)
			if len(fields) < 10 || fields[3] == listening || !mine[fields[9]] {
				continue
			}
			if kernelPort(fields[1]) == own {
				counts[LineIn]++
			} else if name := byPort[kernelPort(fields[2])]; name != "" {
				counts[name]++
			}
		}
	}
	return counts
}

func portOf(addr string) string { return addr[strings.LastIndexByte(addr, ':')+1:] }

// kernelPort reads the port of an address as the kernel writes it, in base 16.
func kernelPort(addr string) string {
	port, err := strconv.ParseUint(portOf(addr), 16, 16)
	if err != nil {
		return ""
	}
	return strconv.FormatUint(port, 10)
}

// measure is what each replica holds now, when it is idle.
func (s *cluster) measure() ([]Leaks, error) {
	all := make([]Leaks, len(s.replicas))
	for i, r := range s.replicas {
		n, err := r.goroutines()
		if err != nil {
			return nil, fmt.Errorf("replica %d: %w", i, err)
		}
		all[i] = Leaks{Replica: i, Goroutines: n, Files: r.files()}
	}
	return all, nil
}

// restAtMost is longer than anything idle is kept: the server closes a connection on
// which nothing was asked for two minutes, be its other end there or not, and the
// clients of the credit and the notification service theirs after one.
const restAtMost = 150 * time.Second

// residue measures again and waits for what idle connections are given, so that only
// what never ends is left.
func (s *cluster) residue(start []Leaks) []Leaks {
	all := make([]Leaks, len(s.replicas))
	until(s.ctx, restAtMost, func() bool {
		fine := true
		for i, r := range s.replicas {
			n, err := r.goroutines()
			if err != nil {
				return false
			}
			all[i] = Leaks{
				Replica: i, Goroutines: start[i].Goroutines, GoroutinesAtEnd: n, Files: start[i].Files, FilesAtEnd: r.files(), Sockets: r.sockets(),
			}
			fine = fine && len(all[i].tooMuch()) == 0
		}
		return fine
	})
	for i, r := range s.replicas {
		if len(all[i].tooMuch()) > 0 {
			all[i].Stacks = r.writeStacks(s.ctx)
		}
	}
	return all
}

// writeStacks makes the program write down what its goroutines are at, and returns the
// file's path; "" if it does not.
func (r *replica) writeStacks(ctx context.Context) string {
	if p, err := os.FindProcess(r.pid()); err != nil || p.Signal(syscall.SIGUSR1) != nil {
		return ""
	}
	if !until(ctx, 5*time.Second, func() bool { _, err := os.Stat(r.stacks()); return err == nil }) {
		return ""
	}
	return r.stacks()
}
