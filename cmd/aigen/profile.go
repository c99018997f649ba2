//go:build profile

package main

import (
	"log/slog"
	"net/http"
	"net/http/pprof"
	"os"
	"runtime"
	"time"
)

// serveProfiles answers at the address in AIGEN_PROFILE_ADDR with what pprof can tell
// of this process. Only a program that was built with the tag "profile" has it, as
// `make profile` does: profiles show more than any operator should have to guard.
func serveProfiles(log *slog.Logger) {
	address := os.Getenv("AIGEN_PROFILE_ADDR")
	if address == "" {
		return
	}
	runtime.SetBlockProfileRate(int(100 * time.Microsecond))
	runtime.SetMutexProfileFraction(10)
	mux := http.NewServeMux()
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	server := &http.Server{Addr: address, Handler: mux, ReadHeaderTimeout: time.Second}
	go func() { log.Error("profiles", "error", server.ListenAndServe()) }()
}
