package console

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/creativeflow/aigen/internal/web"
)

// Console serves the pages. Build it with New.
type Console struct {
	c       Config
	pages   pages
	static  *static
	streams *web.Places
	origins origins

	// drain ends when Shutdown is called; streams watch it.
	drain context.Context //nolint:containedctx // the life of the console, not of a call
	stop  context.CancelFunc
}

// New checks c and builds a console.
func New(c Config) (*Console, error) {
	c.setDefaults()
	if c.Service == nil || c.Authenticator == nil {
		return nil, errors.New("console: a service and an authenticator are required")
	}
	files, err := newStatic()
	if err != nil {
		return nil, fmt.Errorf("console: static files: %w", err)
	}
	k := &Console{c: c, static: files, streams: web.NewPlaces(c.StreamsPerUser)}
	if k.pages, err = parsePages(k); err != nil {
		return nil, fmt.Errorf("console: templates: %w", err)
	}
	if k.origins, err = newOrigins(c.PublicBase, c.Portals); err != nil {
		return nil, fmt.Errorf("console: %w", err)
	}
	k.drain, k.stop = context.WithCancel(context.Background())
	return k, nil
}

// Pages are the routes of the console.
func (k *Console) Pages() []web.Page {
	all := routes()
	pages := make([]web.Page, len(all))
	for i, rt := range all {
		pages[i] = web.Page{Method: rt.method, Path: rt.path, Quiet: rt.quiet, Handler: k.serve(rt)}
	}
	return pages
}

// NotFound says, as a page, that there is none.
func (k *Console) NotFound() http.Handler {
	return k.serve(route{guard: web.GuardNone, handle: func(*Console, http.ResponseWriter, *http.Request) error { return errNoPage }})
}

// Shutdown ends the live streams. Their pages connect again by themselves.
func (k *Console) Shutdown() { k.stop() }
