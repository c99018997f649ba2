package main

import (
	"fmt"
	"syscall"
)

// disableDumps keeps what this process knows, which is every secret it was given, from
// getting into a file or into the hands of another process of the same user: no core
// file, no debugger, no reading of its environment through /proc. The limit alone would
// not do: where the kernel pipes cores to a program, as systemd-coredump has it, no limit
// is asked; a process that is not dumpable is left alone there too.
func disableDumps() error {
	if err := syscall.Setrlimit(syscall.RLIMIT_CORE, &syscall.Rlimit{}); err != nil {
		return fmt.Errorf("forbid core files: %w", err)
	}
	if _, _, err := syscall.RawSyscall6(syscall.SYS_PRCTL, syscall.PR_SET_DUMPABLE, 0, 0, 0, 0, 0); err != 0 {
		return fmt.Errorf("forbid dumps: %w", err)
	}
	return nil
}
