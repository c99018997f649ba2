package httpapi

import (
	"net/http"
	"strings"

	"github.com/creativeflow/aigen/internal/httpapi/wire"
)

func (a *API) addPages() {
	a.pages = make(map[string]bool, len(a.c.Pages))
	for _, p := range a.c.Pages {
		rt := route{method: p.Method, path: p.Path, handle: func(a *API, w http.ResponseWriter, r *http.Request) error {
			if p.Path == "/" {
				w.Header().Add("Vary", "Accept")
				if !prefersHTML(r) {
					return a.home(w, r)
				}
			}
			p.Handler.ServeHTTP(w, r)
			return nil
		}}
		pattern := rt.method + " " + rt.pattern()
		a.pages[pattern] = true
		a.mux.Handle(pattern, a.serve(rt, p.Quiet))
	}
}

// isPage reports whether the request, or the one that it asks about, is for a page.
// Pages work with cookies, or with none at all on loopback: no other origin may read
// them, whatever CORS_ALLOWED_ORIGINS allows for the API.
func (a *API) isPage(r *http.Request, preflight bool) bool {
	asked := *r // to look the route up by
	if preflight {
		asked.Method = r.Header.Get("Access-Control-Request-Method")
	}
	_, pattern := a.mux.Handler(&asked)
	return a.pages[pattern]
}

// noRoute answers where nothing is: with a page for a person's browser, else with a
// problem.
func (a *API) noRoute(w http.ResponseWriter, r *http.Request, detail string) {
	read := r.Method == http.MethodGet || r.Method == http.MethodHead
	if a.c.NoPage != nil && read && !strings.HasPrefix(r.URL.Path, "/api/") && prefersHTML(r) {
		a.c.NoPage.ServeHTTP(w, r)
		return
	}
	wire.Fail(w, r, wire.NewError(wire.CodeRouteNotFound, detail))
}

// prefersHTML: browsers name text/html; curl and programs do not.
func prefersHTML(r *http.Request) bool {
	accept := r.Header.Values("Accept")
	html := qualityOf(accept, "text/html")
	return html.exact == 3 && html.q >= qualityOf(accept, "application/json").q
}
