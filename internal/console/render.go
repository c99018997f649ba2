package console

import (
	"bytes"
	"compress/gzip"
	"context"
	"embed"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"time"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/app"
)

//go:embed templates
var templateFiles embed.FS

// pages are the templates: each file of templates/pages with those around it.
type pages map[string]*template.Template

func parsePages(k *Console) (pages, error) {
	shared, err := template.New("").Funcs(k.functions()).Funcs(operatorFunctions()).ParseFS(templateFiles, "templates/*.html")
	if err != nil {
		return nil, err
	}
	names, err := fs.Glob(templateFiles, "templates/pages/*.html")
	if err != nil {
		return nil, err
	}
	all := pages{}
	for _, name := range names {
		t, err := shared.Clone()
		if err != nil {
			return nil, err
		}
		if _, err := t.ParseFS(templateFiles, name); err != nil {
			return nil, err
		}
		all[strings.TrimSuffix(path.Base(name), ".html")] = t
	}
	return all, nil
}

func (k *Console) functions() template.FuncMap {
	return template.FuncMap{
		"static":  k.static.url,
		"icon":    k.icon,
		"modules": k.static.modules,
		"when":    func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
		"date":    func(t time.Time) string { return t.UTC().Format("2 January 2006, 15:04") + " UTC" },
		"short":   func(id aigen.ID) string { return id.String()[:8] },
		"dict":    dict,
		"ledger":  func() bool { return k.c.Ledger },
		"list":    func(all ...any) []any { return all },
	}
}

// icon is a picture of the sprite, without a meaning of its own: the text beside it,
// or the label of its button, says what it is.
func (k *Console) icon(name string) template.HTML {
	return template.HTML(`<svg class="icon" aria-hidden="true" focusable="false"><use href="` + //nolint:gosec // G203: escaped
		k.static.url("icons.svg") + "#" + template.HTMLEscapeString(name) + `"/></svg>`)
}

// dict lets a template hand several values to another.
func dict(pairs ...any) (map[string]any, error) {
	m := map[string]any{}
	for i := 0; i+1 < len(pairs); i += 2 {
		name, ok := pairs[i].(string)
		if !ok {
			return nil, fmt.Errorf("dict: %v is not a name", pairs[i])
		}
		m[name] = pairs[i+1]
	}
	return m, nil
}

// page is what a template is given: what is around each page, and its own Data.
type page struct {
	Title string
	Nav   string // which of the places in the menu it is: "studio", "history", "operator"
	Data  any
	// NeedsBalance: a part of the page shows it, too.
	NeedsBalance bool

	// Filled by render.
	Session   session
	FormToken string
	Theme     string // "light", "dark", or "" for the system's
	Path      string // of this page, to come back to
	Balance   *app.Balance
	Toasts    []toast
	Version   string
}

// toast is a note in the corner.
type toast struct {
	Kind  string // "good", "bad"
	Title string
	Text  string
}

// render writes the block of a page's template: "layout" for the whole page, or a part.
func (k *Console) render(w http.ResponseWriter, r *http.Request, status int, name, block string, p page) {
	p.Session = sessionOf(r.Context())
	p.FormToken = p.Session.FormToken()
	p.Theme, p.Path, p.Version = themeOf(r), localPath(r.URL.RequestURI()), k.c.Version
	if r.Method != http.MethodGet {
		p.Path = k.refererPath(r) // there is nothing to come back to where a form was sent
	}
	if block == "layout" || p.NeedsBalance {
		p.Balance = k.balanceOf(r.Context(), p.Session)
	}
	if block == "layout" {
		p.Toasts = append(p.Toasts, k.takeFlash(w, r)...)
	}
	var out bytes.Buffer
	if err := k.pages[name].ExecuteTemplate(&out, block, p); err != nil {
		k.c.Log.ErrorContext(r.Context(), "console: a page could not be rendered", "page", name, "block", block, "error", err)
		http.Error(w, "Something went wrong here.", http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Add("Vary", "HX-Request, Cookie")
	var zipped []byte
	if out.Len() > 1<<10 && !reflects(r, status) {
		zipped = zip(out.Bytes(), gzip.DefaultCompression)
	}
	writeZipped(w, r, status, out.Bytes(), zipped)
}

// reflects reports whether a page may show what another site has put into the address:
// the query fills in forms and filters, and stands in links. Compressed together with
// the person's own prompts and pictures, its length would tell which guess is right
// (BREACH). What our own pages ask for is no guess.
func reflects(r *http.Request, status int) bool {
	return (r.URL.RawQuery != "" || status != http.StatusOK) && r.Header.Get("Sec-Fetch-Site") != "same-origin"
}

// balanceOf is nil where there is nobody, or no answer within the time that a page
// can wait: then a script of the page asks again.
func (k *Console) balanceOf(ctx context.Context, s session) *app.Balance {
	if !s.SignedIn() {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, k.c.BalanceTimeout)
	defer cancel()
	b, err := k.c.Service.GetCredits(ctx, s.UserID)
	if err != nil {
		return nil
	}
	return &b
}

// balance is the balance in the head of each page, anew.
func (k *Console) balance(w http.ResponseWriter, r *http.Request) error {
	b, err := k.c.Service.GetCredits(r.Context(), sessionOf(r.Context()).UserID)
	if err != nil {
		return err
	}
	k.render(w, r, http.StatusOK, "problem", "balance", page{Balance: &b})
	return nil
}
