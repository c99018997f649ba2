package openapi

import "encoding/json"

// Document is the OpenAPI document in its three forms.
type Document struct {
	JSON, YAML []byte
	Page       []byte // HTML for a person, which loads nothing and runs nothing
	PagePolicy string // the Content-Security-Policy that has browsers enforce that
}

// New describes the routes, in their order.
func New(routes []Route) (d Document, err error) {
	doc := describe(routes)
	if d.JSON, err = json.MarshalIndent(doc, "", "  "); err != nil {
		return Document{}, err
	}
	d.JSON = append(d.JSON, '\n')
	if d.YAML, err = doc.YAML(); err != nil {
		return Document{}, err
	}
	d.Page, d.PagePolicy, err = renderPage(doc, routes)
	return d, err
}
