package httpapi

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strconv"

	"github.com/creativeflow/aigen/internal/httpapi/openapi"
)

// file is something that stays the same as long as the process lives.
type file struct {
	body []byte
	mime string
	tag  string
}

func newFile(mime string, body []byte) file {
	sum := sha256.Sum256(body)
	return file{body: body, mime: mime, tag: `"` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`}
}

func (f file) serve(w http.ResponseWriter, r *http.Request) error {
	h := w.Header()
	h.Set("ETag", f.tag)
	h.Set("Cache-Control", "no-cache")
	if matches(r.Header.Values("If-None-Match"), f.tag) {
		w.WriteHeader(http.StatusNotModified)
		return nil
	}
	h.Set("Content-Type", f.mime)
	h.Set("Content-Length", strconv.Itoa(len(f.body)))
	_, _ = w.Write(f.body) // the client may be gone
	return nil
}

// documents are what the API says of itself.
type documents struct {
	json, yaml, page file
	pageCSP          string
}

func newDocuments() (documents, error) {
	d, err := openapi.New(described())
	if err != nil {
		return documents{}, err
	}
	return documents{
		json: newFile("application/json", d.JSON),
		yaml: newFile("application/yaml", d.YAML),
		page: newFile("text/html; charset=utf-8", d.Page), pageCSP: d.PagePolicy,
	}, nil
}

// Document returns the OpenAPI document in JSON and in YAML.
func Document() (asJSON, asYAML []byte, err error) {
	d, err := openapi.New(described())
	if err != nil {
		return nil, nil, err
	}
	return d.JSON, d.YAML, nil
}

func (a *API) openAPIJSON(w http.ResponseWriter, r *http.Request) error {
	return a.docs.json.serve(w, r)
}

func (a *API) openAPIYAML(w http.ResponseWriter, r *http.Request) error {
	return a.docs.yaml.serve(w, r)
}

func (a *API) docsPage(w http.ResponseWriter, r *http.Request) error {
	w.Header().Set("Content-Security-Policy", a.docs.pageCSP)
	return a.docs.page.serve(w, r)
}
