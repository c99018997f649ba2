package httpapi

import (
	"context"
	"net/http"
	"path"
	"strings"
	"time"

	"github.com/creativeflow/aigen/internal/httpapi/admin"
	"github.com/creativeflow/aigen/internal/httpapi/wire"
	"github.com/creativeflow/aigen/internal/web"
	"github.com/creativeflow/aigen/internal/webhooksig"
)

// API is the whole HTTP side as a handler. Build it with New.
type API struct {
	c       Config
	mux     *http.ServeMux
	secrets []webhooksig.Secret
	docs    documents
	streams *web.Places
	large   *web.Places
	bodies  *wire.Bodies
	views   *wire.Views
	admin   *admin.API
	pages   map[string]bool     // the patterns of Config.Pages
	queries map[string][]string // names of parameters, by method and path

	unproved  *wire.Allowance // for the bodies of callbacks
	leftovers chan struct{}   // a place for each body that is read after its answer

	// drain ends when Shutdown is called; streams watch it.
	drain context.Context //nolint:containedctx // the life of the API, not of a call
	stop  context.CancelCauseFunc
}

// New checks c and builds an API.
func New(c Config) (*API, error) {
	c.setDefaults()
	if err := c.check(); err != nil {
		return nil, err
	}
	secrets, err := c.secrets()
	if err != nil {
		return nil, err
	}
	docs, err := newDocuments()
	if err != nil {
		return nil, err
	}
	a := &API{c: c, mux: http.NewServeMux(), secrets: secrets, docs: docs, streams: web.NewPlaces(c.StreamsPerUser), large: web.NewPlaces(wire.LargeAnswers), queries: queryNames()}
	a.bodies = &wire.Bodies{Limit: c.MaxBody, Timeout: c.ReadTimeout, Annotate: c.DetailedLogging}
	a.views = &wire.Views{Links: c.Links}
	if c.Pictures != nil {
		a.views.Stored = c.Pictures.Facts
	}
	a.admin = admin.New(c.Operations, a.bodies, a.views, a.large)
	a.unproved = wire.NewAllowance()
	a.leftovers = make(chan struct{}, maxLeftovers)
	a.drain, a.stop = context.WithCancelCause(context.Background())
	a.addPages()
	for _, rt := range routes() {
		if pattern := rt.method + " " + rt.pattern(); !a.pages[pattern] {
			a.mux.Handle(pattern, a.serve(rt, routeIsProbe(rt.path)))
		}
	}
	return a, nil
}

// Shutdown tells the clients of event streams that the service stops, ends their
// streams, and makes /readyz say no. It does not wait: http.Server.Shutdown does.
func (a *API) Shutdown() { a.stop(web.ErrStopping) }

// OpenAPI returns the document in JSON.
func (a *API) OpenAPI() []byte { return a.docs.json.body }

// ServeHTTP implements http.Handler.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c := &web.RequestInfo{ID: web.NewRequestID(r), Started: time.Now()}
	rec := &recorder{ResponseWriter: w, timeout: a.c.WriteTimeout}
	h := w.Header()
	h.Set("X-Request-Id", c.ID)
	secure(h)
	r = r.WithContext(web.WithInfo(r.Context(), c))
	watchBody(rec, r)
	a.setDeadlines(w, r, c.Started)
	a.answer(rec, r, c)
	a.takeLeftover(w, &rec.body)
}

func (a *API) answer(rec *recorder, r *http.Request, c *web.RequestInfo) {
	defer a.finish(rec, r, c)
	trimSlash(r)
	if a.cors(rec, r) {
		return
	}
	a.dispatch(rec, r)
}

// setDeadlines bounds how long a request may hold its connection. None of this is the
// server's: an event stream would not survive it. The deadline for reading matters most
// where no handler reads: package http then takes in what was announced of the body by
// itself, before the answer and after it, and waits for it without end. So somebody
// without a token could keep connections for good by sending a byte and no more. A
// writer that has no deadlines (a test's) needs none.
func (a *API) setDeadlines(w http.ResponseWriter, r *http.Request, now time.Time) {
	control := http.NewResponseController(w)
	_ = control.SetWriteDeadline(now.Add(a.c.WriteTimeout))
	if r.ContentLength != 0 {
		_ = control.SetReadDeadline(now.Add(a.c.ReadTimeout))
	}
}

// dispatch finds the route. ServeMux answers in plain text, or with a redirect,
// where there is none: these become problems.
func (a *API) dispatch(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodOptions && r.RequestURI == "*" { // of the server as a whole
		w.Header().Set("Allow", corsMethods+", OPTIONS")
		w.WriteHeader(http.StatusNoContent)
		return
	}
	clean := path.Clean(r.URL.Path)
	if clean != r.URL.Path && clean+"/" != r.URL.Path {
		a.noRoute(w, r, "There is nothing at this path.")
		return
	}
	h, pattern := a.mux.Handler(r)
	if pattern != "" {
		a.mux.ServeHTTP(w, r) // not h: only this sets the values of the path
		return
	}
	probe := probe{header: http.Header{}}
	h.ServeHTTP(&probe, r)
	if probe.status == http.StatusMethodNotAllowed {
		allow := probe.header.Get("Allow")
		w.Header().Set("Allow", allow)
		wire.Fail(w, r, wire.NewError(wire.CodeMethodNotAllowed, "Allowed here: "+allow+"."))
		return
	}
	a.noRoute(w, r, "There is nothing at this path. See /docs for what there is.")
}

// trimSlash makes /api/v1/x/ mean /api/v1/x (contract section 1). Elsewhere each thing
// has one address: a rule of a proxy for /metrics must not be passed by /metrics/. So
// must an escaped slash, which others do not take for one, not be taken for one here.
func trimSlash(r *http.Request) {
	path := r.URL.Path
	escaped := r.URL.RawPath != "" && !strings.HasSuffix(r.URL.RawPath, "/")
	if !strings.HasPrefix(path, apiPath) || path == apiPath || !strings.HasSuffix(path, "/") || escaped {
		return
	}
	u := *r.URL // shared with the caller's request
	u.Path = u.Path[:len(u.Path)-1]
	u.RawPath = strings.TrimSuffix(u.RawPath, "/")
	r.URL = &u
}

// serve applies what all routes have in common. The log lines of a quiet one are for
// debugging.
func (a *API) serve(rt route, quiet bool) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c := web.InfoFrom(r.Context())
		c.Route, c.Quiet = rt.path, quiet
		if a.c.Tracer != nil && !quiet {
			ctx, end := a.c.Tracer.Request(r.Context(), r.Header, r.Method, rt.path)
			r = r.WithContext(ctx)
			web.InfoFrom(ctx).Traced = ctx
			defer func() { end(statusOf(w)) }()
		}
		if strings.HasPrefix(rt.path, apiPath) {
			w.Header()["Cache-Control"] = noStore
		}
		if err := a.guarded(rt, w, r); err != nil {
			wire.Fail(w, r, err)
		}
	})
}

func (a *API) guarded(rt route, w http.ResponseWriter, r *http.Request) error {
	if rt.guard != web.GuardNone {
		id, err := a.authenticate(r)
		if err != nil {
			return err
		}
		c := web.InfoFrom(r.Context())
		c.User, c.Identity = id.UserID, id
		if err := a.limit(r.Context(), w.Header(), id.UserID); err != nil {
			return err
		}
		if rt.guard == web.GuardOperator {
			if err := a.admit(id); err != nil {
				return err
			}
		}
	}
	if rt.strictQuery() {
		if err := checkQuery(r, a.queries[rt.method+" "+rt.path]); err != nil {
			return err
		}
	}
	if rt.method == http.MethodGet {
		if err := a.bodies.Skip(w, r); err != nil {
			return err
		}
	}
	return rt.handle(a, w, r)
}

// probe takes what ServeMux says where no route matches.
type probe struct {
	header http.Header
	status int
}

func (p *probe) Header() http.Header         { return p.header }
func (p *probe) Write(b []byte) (int, error) { return len(b), nil }
func (p *probe) WriteHeader(status int)      { p.status = status }
