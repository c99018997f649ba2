package console

import (
	"context"
	"net/http"
	"slices"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/web"
)

// The paths. Those with {id} are of one generation.
const (
	studioPath      = "/"
	generationsPath = "/generations"
	generationPath  = generationsPath + "/{id}"
	cardsPath       = generationsPath + "/cards"
	livePath        = "/live"
	balancePath     = "/balance"
	signInPath      = "/sign-in"
	signOutPath     = "/sign-out"
	themePath       = "/theme"
	staticPath      = "/static/"
)

// route is one page, or one thing that a page does.
type route struct {
	method string
	path   string // also its name in logs and metrics
	guard  web.Guard
	handle func(k *Console, w http.ResponseWriter, r *http.Request) error
	quiet  bool
	// portal: a form of another origin may be sent here, if it is one of Config.Portals.
	portal bool
}

func routes() []route {
	const get, post = http.MethodGet, http.MethodPost
	return slices.Concat(operatorRoutes(), rootFileRoutes(), []route{
		{method: get, path: studioPath, guard: web.GuardUser, handle: (*Console).studio},
		{method: post, path: generationsPath, guard: web.GuardUser, handle: (*Console).create},
		{method: get, path: generationsPath, guard: web.GuardUser, handle: (*Console).history},
		{method: get, path: cardsPath, guard: web.GuardUser, handle: (*Console).cards},
		{method: get, path: generationPath, guard: web.GuardUser, handle: (*Console).generation},
		{method: get, path: generationPath + "/part", guard: web.GuardUser, handle: (*Console).generationPart},
		{method: post, path: generationPath + "/select", guard: web.GuardUser, handle: (*Console).selectSample},
		{method: post, path: generationPath + "/regenerate", guard: web.GuardUser, handle: (*Console).regenerate},
		{method: get, path: generationPath + "/cancel", guard: web.GuardUser, handle: (*Console).confirmCancel},
		{method: post, path: generationPath + "/cancel", guard: web.GuardUser, handle: (*Console).cancel},

		{method: get, path: balancePath, guard: web.GuardUser, handle: (*Console).balance},
		{method: get, path: livePath, guard: web.GuardUser, handle: (*Console).live},

		{method: get, path: signInPath, handle: (*Console).signInPage},
		{method: post, path: signInPath, handle: (*Console).signIn, portal: true},
		{method: post, path: signOutPath, handle: (*Console).signOut},
		{method: post, path: themePath, handle: (*Console).setTheme},
		{method: get, path: staticPath + "{version}/{name...}", handle: (*Console).staticFile, quiet: true},
	})
}

// serve applies what all pages have in common.
func (k *Console) serve(rt route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		secure(w.Header())
		err := k.guarded(rt, w, &r)
		if err != nil {
			info := web.InfoFrom(r.Context())
			info.Code, info.Err = codeOf(err), err
			k.fail(w, r, err)
		}
	})
}

// guarded lets a request through to its page. r is replaced by one that knows who asks.
func (k *Console) guarded(rt route, w http.ResponseWriter, r **http.Request) error {
	if err := k.origins.check(*r, rt.portal); err != nil {
		return err
	}
	if k.enter(w, *r) {
		return nil
	}
	s, why := k.identify(*r)
	*r = (*r).WithContext(context.WithValue((*r).Context(), sessionKey{}, s))
	web.InfoFrom((*r).Context()).User = s.UserID
	if rt.guard == web.GuardNone {
		return rt.handle(k, w, *r)
	}
	switch {
	case why != nil:
		return why
	case rt.guard == web.GuardOperator && !s.Operator():
		return errNoPage // what only operators see is not there for others
	}
	if err := k.limit((*r).Context(), s.UserID); err != nil {
		return err
	}
	if (*r).Method == http.MethodPost {
		if err := s.checkForm(w, *r); err != nil {
			return err
		}
	}
	return rt.handle(k, w, *r)
}

// generationID reads {id} of the path. What is no UUID does not exist either.
func generationID(r *http.Request) (aigen.ID, error) {
	id, err := aigen.ParseID(r.PathValue("id"))
	if err != nil {
		return aigen.ID{}, errNoPage
	}
	web.InfoFrom(r.Context()).Generation = id
	return id, nil
}
