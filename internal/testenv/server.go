package testenv

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
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Server is a server that tests talk to: one that was found, or one of our own.
type Server struct {
	kind Kind
	url  string

	// Of our own servers:
	dir   string
	port  int
	cmd   *exec.Cmd // the watchdog
	pid   int       // the server; 0: it does not run
	leash io.WriteCloser
}

// URL is where the server answers. It stays the same over a restart.
func (s *Server) URL() string { return s.url }

// Variable is the variable of the environment that names such a server.
func (s *Server) Variable() string { return s.kind.Variable }

// PID is the process of a server of our own, 0 for another one.
func (s *Server) PID() int { return s.pid }

// Own reports whether the server was started here.
func (s *Server) Own() bool { return s.dir != "" }

// startTimeout is long because RabbitMQ takes minutes on a machine that does much else.
const startTimeout = 4 * time.Minute

// watchdog runs a server and, when its standard input ends without a word, which is
// when whoever started it is gone, stops it and removes its folder.
const watchdog = `
dir=$1 signal=$2; shift 2
exec 3<&0
"$@" </dev/null >&2 3<&- & server=$!
echo $server
exec >&2
{ read -r word <&3 || { kill -s "$signal" $server 2>/dev/null; tail --pid=$server -f /dev/null; rm -rf "$dir"; }; } &
wait $server
`

// Launch starts a server of our own.
func Launch(k Kind) (*Server, error) {
	if err := k.install(); err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "aigen-"+k.Name+"-*")
	if err != nil {
		return nil, err
	}
	s := &Server{kind: k, dir: dir}
	if err := s.prepare(); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	if err := s.Start(); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func (s *Server) prepare() (err error) {
	if s.port, err = freePort(); err != nil {
		return err
	}
	s.url = s.kind.url(s.port)
	if credential, err := s.credential(); err != nil {
		return err
	} else if credential != nil {
		if err := os.Chown(s.dir, int(credential.Uid), int(credential.Gid)); err != nil {
			return err
		}
	}
	if s.kind.prepare == nil {
		return nil
	}
	return s.kind.prepare(s)
}

// Start starts the server, again on its port and with its data, and waits until it
// answers.
func (s *Server) Start() error {
	credential, err := s.credential()
	if err != nil {
		return err
	}
	args := append([]string{"-c", watchdog, "watchdog", s.dir, s.kind.stop}, s.kind.command(s)...)
	cmd := exec.Command("sh", args...)
	cmd.Dir = s.dir
	cmd.Env = s.environ()
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: credential, Setpgid: true} // Ctrl-C is for the tests
	log, err := os.OpenFile(s.logFile(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	cmd.Stderr = log
	// Not StdinPipe: Wait would close that, which tells the watchdog to clean up.
	held, leash, err := os.Pipe()
	if err != nil {
		return err
	}
	defer held.Close()
	cmd.Stdin, s.leash = held, leash
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start %s: %w", s.kind.Name, err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		return fmt.Errorf("start %s: %w", s.kind.Name, err)
	}
	s.cmd = cmd
	if s.pid, err = strconv.Atoi(strings.TrimSpace(line)); err != nil {
		return err
	}
	if err := wait(s.kind, s.url, startTimeout); err != nil {
		said, _ := os.ReadFile(s.logFile())
		return fmt.Errorf("%w; it said:\n%s", err, said)
	}
	return nil
}

func (s *Server) environ() []string {
	return append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + s.dir, "LC_ALL=C.UTF-8"}, s.kind.environment(s)...)
}

func (s *Server) logFile() string { return s.dir + "/output" }

// Stop ends the server in good order and keeps its data.
func (s *Server) Stop() error { return s.end(s.kind.signal, 30*time.Second) }

// Kill ends the server as a power cut would and keeps its data.
func (s *Server) Kill() error { return s.end(syscall.SIGKILL, 10*time.Second) }

func (s *Server) end(signal syscall.Signal, atMost time.Duration) error {
	if s.pid == 0 {
		return nil
	}
	family := append(descendants(s.pid), s.pid)
	told := family
	if signal != syscall.SIGKILL {
		told = family[len(family)-1:]
	}
	for _, pid := range told {
		if err := syscall.Kill(pid, signal); err != nil && !errors.Is(err, syscall.ESRCH) {
			return fmt.Errorf("end %s: %w", s.kind.Name, err)
		}
	}
	ended := make(chan struct{})
	go func() {
		_ = s.cmd.Wait() // of the watchdog, which waits for the server; its code tells nothing
		close(ended)
	}()
	var err error
	select {
	case <-ended:
	case <-time.After(atMost):
		err = fmt.Errorf("%s did not stop within %s", s.kind.Name, atMost)
		for _, pid := range append(descendants(s.pid), s.pid) {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
		<-ended
	}
	// PostgreSQL does not start while a child of the one before is still dying.
	for deadline := time.Now().Add(atMost); slices.ContainsFunc(family, running) && time.Now().Before(deadline); {
		time.Sleep(5 * time.Millisecond)
	}
	_, _ = io.WriteString(s.leash, "ended\n") // the watchdog has nothing to do
	_ = s.leash.Close()
	s.pid = 0
	return err
}

// Pause stops the server's processes where they are: connections stay, and nobody
// answers.
func (s *Server) Pause() error { return s.signalAll(syscall.SIGSTOP) }

// Resume lets them go on.
func (s *Server) Resume() error { return s.signalAll(syscall.SIGCONT) }

func (s *Server) signalAll(signal syscall.Signal) error {
	for _, pid := range append(descendants(s.pid), s.pid) {
		if err := syscall.Kill(pid, signal); err != nil && !errors.Is(err, syscall.ESRCH) {
			return err
		}
	}
	return nil
}

// Close ends a server of our own and removes what it left.
func (s *Server) Close() error {
	if !s.Own() {
		return nil
	}
	if s.pid != 0 {
		_ = s.Resume()
	}
	err := s.Stop()
	return errors.Join(err, os.RemoveAll(s.dir))
}

// Control runs rabbitmqctl on a RabbitMQ of our own.
func (s *Server) Control(args ...string) error {
	return s.run("/usr/lib/rabbitmq/bin/rabbitmqctl", args...)
}

// run runs a tool of the server's, as its user and in its environment.
func (s *Server) run(name string, args ...string) error {
	credential, err := s.credential()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = s.dir
	cmd.Env = s.environ()
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: credential}
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", filepath.Base(name), err, out)
	}
	return nil
}

// credential is the user that the server runs as where we are root, which it refuses.
func (s *Server) credential() (*syscall.Credential, error) {
	if s.kind.user == "" || os.Getuid() != 0 {
		return nil, nil
	}
	u, err := user.Lookup(s.kind.user)
	if err != nil {
		return nil, fmt.Errorf("%s runs as user %s: %w", s.kind.Name, s.kind.user, err)
	}
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	if err != nil {
		return nil, err
	}
	gid, err := strconv.ParseUint(u.Gid, 10, 32)
	if err != nil {
		return nil, err
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
}

// wait waits until the server answers.
func wait(k Kind, url string, atMost time.Duration) error {
	ctx, cancel := context.WithTimeout(context.Background(), atMost)
	defer cancel()
	var last error
	for {
		one, stop := context.WithTimeout(ctx, 2*time.Second)
		err := k.ready(one, url)
		stop()
		if err == nil {
			return nil
		}
		if ctx.Err() == nil || last == nil {
			last = err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s does not answer: %w", k.Name, last)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// running reports whether a process still has something of its own: one that is only
// waited for has not.
func running(pid int) bool {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	_, rest, _ := strings.Cut(string(raw[bytes.LastIndexByte(raw, ')')+1:]), " ")
	return !strings.HasPrefix(rest, "Z") && !strings.HasPrefix(rest, "X")
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

// descendants are the processes below pid, the youngest first.
func descendants(pid int) []int {
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	children := map[int][]int{}
	for _, path := range stats {
		raw, err := os.ReadFile(path)
		if err != nil {
			continue // ended meanwhile
		}
		// "pid (name) state ppid …"; the name may hold anything.
		_, rest, ok := strings.Cut(string(raw[bytes.LastIndexByte(raw, ')')+1:]), " ")
		fields := strings.Fields(rest)
		if !ok || len(fields) < 2 {
			continue
		}
		child, err1 := strconv.Atoi(filepath.Base(filepath.Dir(path)))
		parent, err2 := strconv.Atoi(fields[1])
		if err1 == nil && err2 == nil {
			children[parent] = append(children[parent], child)
		}
	}
	var all []int
	var walk func(int)
	walk = func(p int) {
		for _, c := range children[p] {
			walk(c)
			all = append(all, c)
		}
	}
	walk(pid)
	return all
}
