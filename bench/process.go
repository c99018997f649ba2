package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// process is a program that is measured.
type process struct {
	cmd     *exec.Cmd
	address string
	stdin   io.Closer
	log     string
	ended   chan struct{}
}

// startBaseline starts a program that prints its address and ends with its input.
func startBaseline(ctx context.Context, program string, args ...string) (*process, error) {
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		return nil, fmt.Errorf("%s said nothing: %w", program, err)
	}
	p := &process{cmd: cmd, address: strings.TrimSpace(line), stdin: stdin}
	p.watch()
	return p, nil
}

// startService starts `aigen serve` with these settings and waits until it is ready.
// It has no other settings than these: neither of ours nor from a file.
func startService(ctx context.Context, program, dir string, settings map[string]string) (p *process, took time.Duration, err error) {
	address, err := freeAddress(ctx)
	if err != nil {
		return nil, 0, err
	}
	cmd := exec.CommandContext(ctx, program, "serve")
	cmd.Dir = dir // no .env there
	cmd.Env = []string{"HOME=" + dir, "LISTEN_ADDR=" + address, "DATA_DIR=" + dir}
	for name, value := range settings {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	log, err := os.CreateTemp(dir, "log-*")
	if err != nil {
		return nil, 0, err
	}
	defer log.Close()
	cmd.Stderr, cmd.Stdout = log, log
	p = &process{cmd: cmd, address: address, log: log.Name()}
	began := time.Now()
	if err := cmd.Start(); err != nil {
		return nil, 0, err
	}
	p.watch()
	if err := p.ready(ctx); err != nil {
		return nil, 0, errors.Join(err, p.stop())
	}
	return p, time.Since(began), nil
}

func (p *process) watch() {
	p.ended = make(chan struct{})
	go func() {
		_ = p.cmd.Wait() // its log says why
		close(p.ended)
	}()
}

// ready asks /readyz every millisecond.
func (p *process) ready(ctx context.Context) error {
	ask := []byte("GET /readyz HTTP/1.1\r\nHost: bench\r\n\r\n")
	deadline := time.Now().Add(30 * time.Second)
	for time.Now().Before(deadline) {
		select {
		case <-p.ended:
			said, _ := os.ReadFile(p.log)
			return fmt.Errorf("the service ended at its start:\n%s", said)
		case <-time.After(time.Millisecond):
		}
		c, err := dial(ctx, p.address)
		if err != nil {
			continue
		}
		status, _, err := c.do(ask)
		c.close()
		if err == nil && status == 200 {
			return nil
		}
	}
	return errors.New("the service was not ready within 30 s")
}

// stop ends the program in good order, and by force where that takes long.
func (p *process) stop() error {
	if p.stdin != nil {
		_ = p.stdin.Close()
	} else {
		_ = p.cmd.Process.Signal(syscall.SIGTERM)
	}
	select {
	case <-p.ended:
		return nil
	case <-time.After(30 * time.Second):
		_ = p.cmd.Process.Kill()
		<-p.ended
		return errors.New("the program did not stop within 30 s")
	}
}

// memory is what the program holds of the machine's memory, in MiB, now and at most.
func (p *process) memory() (now, most float64, err error) {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		return 0, 0, err
	}
	for line := range strings.Lines(string(raw)) {
		name, value, _ := strings.Cut(line, ":")
		kib, _ := strconv.ParseFloat(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 64)
		switch name {
		case "VmRSS":
			now = kib / 1024
		case "VmHWM":
			most = kib / 1024
		}
	}
	return now, most, nil
}

// cpuTime is the time that a process and all below it have had of the processors.
func cpuTime(root int) time.Duration {
	const tick = 10 * time.Millisecond // USER_HZ is 100 on Linux
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	parent, spent := map[int]int{}, map[int]int{}
	for _, path := range stats {
		raw, err := os.ReadFile(path)
		if err != nil {
			continue // ended meanwhile
		}
		// "pid (name) state ppid …"; the name may hold anything.
		fields := strings.Fields(string(raw[bytes.LastIndexByte(raw, ')')+1:]))
		if len(fields) < 15 {
			continue
		}
		pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(path)))
		parent[pid], _ = strconv.Atoi(fields[1])
		for _, f := range fields[11:15] { // user, system, and those of children that have ended
			n, _ := strconv.Atoi(f)
			spent[pid] += n
		}
	}
	total := 0
	for pid, n := range spent {
		for at := pid; at > 1; at = parent[at] {
			if at == root {
				total += n
				break
			}
		}
	}
	return time.Duration(total) * tick
}

func freeAddress(ctx context.Context) (string, error) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}

// complaints are the lines of the service's log: at level warn there are none unless
// something went wrong.
func (p *process) complaints() error {
	raw, err := os.ReadFile(p.log)
	if err != nil || len(raw) == 0 {
		return err
	}
	if len(raw) > 1000 {
		raw = raw[:1000]
	}
	return fmt.Errorf("the service complained:\n%s", raw)
}
