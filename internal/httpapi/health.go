package httpapi

import (
	"context"
	"net"
	"net/http"
	"time"

	"github.com/creativeflow/aigen/internal/httpapi/wire"
	"github.com/creativeflow/aigen/internal/runtimeinfo"
	"github.com/creativeflow/aigen/internal/web"
)

// readyTimeout bounds a look at the dependencies: a probe that hangs tells nothing.
const readyTimeout = 5 * time.Second

// health says that the process answers, nothing more: a database that is down is no
// reason to restart it.
func (a *API) health(w http.ResponseWriter, r *http.Request) error {
	w.Header().Set("Cache-Control", "no-store")
	a.prove(w, r)
	return wire.WriteJSON(w, http.StatusOK, wire.HealthView{Status: "ok", Version: a.c.Version})
}

// ChallengeHeader and ProofHeader let a command find out whether the service at an
// address has the secret that its token would be signed with.
const (
	ChallengeHeader = "Aigen-Challenge"
	ProofHeader     = "Aigen-Proof"

	maxChallenge = 64 // bytes
)

func (a *API) prove(w http.ResponseWriter, r *http.Request) {
	challenge := r.Header.Get(ChallengeHeader)
	at, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	if a.c.Prove == nil || !ok || challenge == "" || len(challenge) > maxChallenge {
		return
	}
	if _, port, err := net.SplitHostPort(at.String()); err == nil {
		w.Header().Set(ProofHeader, a.c.Prove(challenge, port))
	}
}

// ready says whether requests should be sent here.
func (a *API) ready(w http.ResponseWriter, r *http.Request) error {
	w.Header().Set("Cache-Control", "no-store")
	view := wire.ReadyView{Dependencies: []runtimeinfo.Dependency{}}
	if a.c.Ready != nil {
		ctx, cancel := context.WithTimeout(r.Context(), readyTimeout)
		defer cancel()
		view.Dependencies = append(view.Dependencies, a.c.Ready(ctx)...)
	}
	if a.drain.Err() != nil {
		view.Dependencies = append(view.Dependencies, runtimeinfo.Dependency{Name: "service", State: runtimeinfo.StateDown, Detail: "stopping"})
	}
	view.Status = runtimeinfo.Worst(view.Dependencies)
	if view.Status == runtimeinfo.StateDown {
		web.InfoFrom(r.Context()).Gone = r.Context().Err() != nil // then nothing was found out
		w.Header().Set("Retry-After", "5")
		return wire.WriteJSON(w, http.StatusServiceUnavailable, view)
	}
	return wire.WriteJSON(w, http.StatusOK, view)
}

func (a *API) metrics(w http.ResponseWriter, r *http.Request) error {
	if a.c.MetricsHandler == nil {
		return wire.NewError(wire.CodeRouteNotFound, "Metrics are switched off.")
	}
	w.Header().Set("Cache-Control", "no-store")
	a.c.MetricsHandler.ServeHTTP(w, r)
	return nil
}

// home leads somebody who opened the bare address to what there is to see.
func (*API) home(w http.ResponseWriter, r *http.Request) error {
	http.Redirect(w, r, docsPath, http.StatusFound)
	return nil
}
