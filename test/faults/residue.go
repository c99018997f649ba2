package faults

import (
	"bufio"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
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

// sockets counts the process's connections by the line that they go to, from what the
// kernel says.
func (r *replica) sockets() map[string]int {
	byPort := map[string]string{}
	for name, l := range r.lines {
		if name == LineIn {
			continue
		}
		byPort[l.addr[strings.LastIndexByte(l.addr, ':')+1:]] = name
	}
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
			if len(fields) < 10 || fields[3] != "01" || !mine[fields[9]] { // 01: established
				continue
			}
			port, err := strconv.ParseUint(fields[2][strings.LastIndexByte(fields[2], ':')+1:], 16, 32)
			if name := byPort[strconv.FormatUint(port, 10)]; err == nil && name != "" {
				counts[name]++
			}
		}
	}
	return counts
}

// measure is what each replica holds now, when it is idle.
func (s *stage) measure() ([]Residue, error) {
	all := make([]Residue, len(s.replicas))
	for i, r := range s.replicas {
		n, err := r.goroutines()
		if err != nil {
			return nil, fmt.Errorf("replica %d: %w", i, err)
		}
		all[i] = Residue{Replica: i, Goroutines: n, Files: r.files()}
	}
	return all, nil
}

// residue measures again and waits for what idle connections are given, so that only
// what never ends is left.
func (s *stage) residue(start []Residue) []Residue {
	all := make([]Residue, len(s.replicas))
	until(s.ctx, 40*time.Second, func() bool {
		fine := true
		for i, r := range s.replicas {
			n, err := r.goroutines()
			if err != nil {
				return false
			}
			all[i] = Residue{
				Replica: i, Goroutines: start[i].Goroutines, GoroutinesAtEnd: n, Files: start[i].Files, FilesAtEnd: r.files(), Sockets: r.sockets(),
			}
			fine = fine && n <= start[i].Goroutines+goroutinesMore && all[i].FilesAtEnd <= start[i].Files+filesMore
		}
		return fine
	})
	return all
}
