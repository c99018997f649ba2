package testprogram

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// Terminal is a command of the program on a terminal of its own (a pty), with a person
// before it: what they see is Screen, and they Type.
type Terminal struct {
	t      *testing.T
	master *os.File
	cmd    *exec.Cmd
	ended  chan struct{}

	mu     sync.Mutex
	output strings.Builder
	screen *Screen
}

// OnTerminal starts a command on a terminal of this size. The settings come on top of
// Environment; a terminal says of itself what TERM, COLORTERM, LANG and NO_COLOR say.
func OnTerminal(t *testing.T, dir string, width, height int, settings map[string]string, args ...string) *Terminal {
	t.Helper()
	path, err := Binary()
	require.NoError(t, err)
	master, slave := openPTY(t)
	defer slave.Close()
	term := &Terminal{t: t, master: master, cmd: exec.Command(path, args...), ended: make(chan struct{}), screen: NewScreen(width, height)}
	term.Resize(width, height)
	term.cmd.Env, term.cmd.Dir = Environment(dir, settings), dir
	term.cmd.Stdin, term.cmd.Stdout, term.cmd.Stderr = slave, slave, slave
	term.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true, Pdeathsig: syscall.SIGKILL}
	require.NoError(t, term.cmd.Start())
	go term.read()
	t.Cleanup(func() {
		_ = term.cmd.Process.Kill()
		<-term.ended
		_ = master.Close()
		if t.Failed() {
			all := term.Output()
			t.Logf("the screen:\n%s\nthe last that came: %q", term.Screen(), all[max(0, len(all)-2000):])
		}
	})
	return term
}

func openPTY(t *testing.T) (master, slave *os.File) {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	require.NoError(t, err)
	fd := int(master.Fd())
	require.NoError(t, unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0))
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	require.NoError(t, err)
	slave, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	require.NoError(t, err)
	return master, slave
}

// read ends with the last process that has the terminal open: then reading fails.
func (term *Terminal) read() {
	buffer := make([]byte, 32<<10)
	for {
		n, err := term.master.Read(buffer)
		term.mu.Lock()
		term.output.Write(buffer[:n])
		term.screen.Write(buffer[:n])
		term.mu.Unlock()
		if err != nil {
			break
		}
	}
	_ = term.cmd.Wait() // how it ended is what tests look at
	close(term.ended)
}

// Resize makes the window another size, and the kernel tells the command.
func (term *Terminal) Resize(width, height int) {
	term.t.Helper()
	term.mu.Lock()
	defer term.mu.Unlock()
	// The window first, as terminals do: what is drawn for the new size finds it.
	term.screen.Resize(width, height)
	size := &unix.Winsize{Col: uint16(width), Row: uint16(height)}
	require.NoError(term.t, unix.IoctlSetWinsize(int(term.master.Fd()), unix.TIOCSWINSZ, size))
}

// Type presses keys; "\x03" is Ctrl-C.
func (term *Terminal) Type(keys string) {
	term.t.Helper()
	_, err := term.master.WriteString(keys)
	require.NoError(term.t, err)
}

// Output is every byte that came.
func (term *Terminal) Output() string {
	term.mu.Lock()
	defer term.mu.Unlock()
	return term.output.String()
}

// Screen is what a person sees now.
func (term *Terminal) Screen() string {
	term.mu.Lock()
	defer term.mu.Unlock()
	return term.screen.String()
}

// Shows waits until the screen has all of these on it.
func (term *Terminal) Shows(texts ...string) {
	term.t.Helper()
	Eventually(term.t, fmt.Sprintf("the screen shows %q", texts), func() bool {
		screen := term.Screen()
		for _, text := range texts {
			if !strings.Contains(screen, text) {
				return false
			}
		}
		return true
	})
}

// ExitCode waits for the command's end.
func (term *Terminal) ExitCode() int {
	term.t.Helper()
	select {
	case <-term.ended:
	case <-time.After(time.Minute):
		term.t.Fatalf("the command does not end")
	}
	return term.cmd.ProcessState.ExitCode()
}
