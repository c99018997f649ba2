package faults

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// replica is one instance of the program and whoever starts it again, as Kubernetes
// would. Its address is that of its line "in".
type replica struct {
	number   int
	binary   string
	dir      string
	port     int
	settings map[string]string
	lines    map[string]*link
	records  *Records

	mu      sync.Mutex
	cmd     *exec.Cmd
	ended   chan struct{} // of cmd
	ready   bool
	told    bool          // to end
	down    time.Duration // before the next start
	quit    bool
	starts  int
	stopped chan struct{} // the supervisor is gone
}

func (r *replica) url() string   { return "http://" + r.lines[LineIn].addr }
func (r *replica) own() string   { return fmt.Sprintf("http://127.0.0.1:%d", r.port) }
func (r *replica) log() string   { return filepath.Join(r.dir, "log") }
func (r *replica) clock() string { return filepath.Join(r.dir, "clock") }

// stacks is where the program writes its goroutines when it gets SIGUSR1.
func (r *replica) stacks() string { return filepath.Join(r.dir, "goroutines") }

func (r *replica) environment() []string {
	env := []string{"PATH=" + os.Getenv("PATH"), "HOME=" + r.dir, "AIGEN_FAULTS_CLOCK=" + r.clock()}
	for k, v := range r.settings {
		env = append(env, k+"="+v)
	}
	return env
}

// supervise starts the program, again and again, until quit.
func (r *replica) supervise() {
	r.stopped = make(chan struct{})
	go func() {
		defer close(r.stopped)
		for r.runOnce() {
			time.Sleep(r.pause())
		}
	}()
}

func (r *replica) pause() time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	d := r.down
	r.down = 0
	return max(d, 50*time.Millisecond)
}

// runOnce is one life of the program. It reports whether there is to be another one.
func (r *replica) runOnce() bool {
	log, err := os.OpenFile(r.log(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		r.records.odd("instrument", "", "replica %d: %v", r.number, err)
		return false
	}
	defer log.Close()
	from, _ := log.Seek(0, io.SeekEnd)
	cmd := exec.Command(r.binary, "serve")
	cmd.Env, cmd.Dir, cmd.Stderr = r.environment(), r.dir, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	r.mu.Lock()
	if r.quit {
		r.mu.Unlock()
		return false
	}
	if err := cmd.Start(); err != nil {
		r.mu.Unlock()
		r.records.odd("instrument", "", "replica %d: %v", r.number, err)
		return false
	}
	r.cmd, r.ended, r.ready, r.told = cmd, make(chan struct{}), false, false
	r.starts++
	ended := r.ended
	r.mu.Unlock()
	go r.watch(ended)
	_ = cmd.Wait() // its code tells all there is
	close(ended)
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.told {
		add(r.records, &r.records.Deaths, Death{
			At: time.Now(), Replica: r.number, Ready: r.ready, Code: cmd.ProcessState.ExitCode(), Said: r.said(from),
		})
	}
	r.ready = false
	return !r.quit
}

// watch tells when the program answers.
func (r *replica) watch(ended chan struct{}) {
	client := &http.Client{Timeout: time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	for {
		res, err := client.Get(r.own() + "/healthz")
		if err == nil {
			_ = res.Body.Close()
			if res.StatusCode == http.StatusOK {
				r.mu.Lock()
				if r.ended == ended {
					r.ready = true
				}
				r.mu.Unlock()
				return
			}
		}
		select {
		case <-ended:
			return
		case <-time.After(25 * time.Millisecond):
		}
	}
}

// said is the end of what the program wrote in this life.
func (r *replica) said(from int64) string {
	raw, err := os.ReadFile(r.log())
	if err != nil || int64(len(raw)) < from {
		return ""
	}
	raw = raw[from:]
	if len(raw) > 3000 {
		raw = raw[len(raw)-3000:]
	}
	return string(raw)
}

// end sends a signal to the program, if it runs, and keeps it down for a while. It
// waits until the program is gone.
func (r *replica) end(signal syscall.Signal, down time.Duration) (alive bool) {
	r.mu.Lock()
	if r.cmd == nil || r.told {
		r.mu.Unlock()
		return false
	}
	select {
	case <-r.ended:
		r.mu.Unlock()
		return false
	default:
	}
	r.told, r.down = true, down
	ended := r.ended
	_ = r.cmd.Process.Signal(signal)
	r.mu.Unlock()
	select {
	case <-ended:
	case <-time.After(30 * time.Second):
		r.records.odd("stop", "", "replica %d did not end within 30 s of %s", r.number, signal)
		_ = r.cmd.Process.Kill()
		<-ended
	}
	if code := r.cmd.ProcessState.ExitCode(); signal == syscall.SIGTERM && code != 0 {
		r.noteBadStop(code)
	}
	return true
}

// noteBadStop: a SIGTERM within the start ends it with a failure, which is right.
func (r *replica) noteBadStop(code int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	raw, _ := os.ReadFile(r.log())
	tail := string(raw[max(0, len(raw)-3000):])
	if strings.Contains(tail, "panic:") || strings.Contains(tail, "fatal error:") {
		add(r.records, &r.records.Deaths, Death{At: time.Now(), Replica: r.number, Ready: true, Code: code, Said: tail})
	}
}

func (r *replica) isReady() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.ready
}

func (r *replica) pid() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.cmd == nil {
		return 0
	}
	return r.cmd.Process.Pid
}

// close ends the program for good, in order, and returns its exit code.
func (r *replica) close() int {
	r.mu.Lock()
	r.quit = true
	r.mu.Unlock()
	r.end(syscall.SIGTERM, 0)
	<-r.stopped
	return r.cmd.ProcessState.ExitCode()
}

func (r *replica) setClock(ms int) error {
	// Renamed into place: the program must not read half a number.
	if err := os.WriteFile(r.clock()+".new", []byte(strconv.Itoa(ms)), 0o600); err != nil {
		return err
	}
	return os.Rename(r.clock()+".new", r.clock())
}

// until waits for a condition.
func until(ctx context.Context, atMost time.Duration, ok func() bool) bool {
	ctx, cancel := context.WithTimeout(ctx, atMost)
	defer cancel()
	for !ok() {
		select {
		case <-ctx.Done():
			return false
		case <-time.After(50 * time.Millisecond):
		}
	}
	return true
}
