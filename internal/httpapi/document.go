package httpapi

import "encoding/json"

// document is the OpenAPI document in its three forms.
type document struct {
	json, yaml []byte
	page       []byte // HTML for a person, which loads nothing and runs nothing
	pagePolicy string // the Content-Security-Policy that has browsers enforce that
}

// newDocument describes the routes, in their order.
func newDocument(routes []docRoute) (d document, err error) {
	doc := describe(routes)
	if d.json, err = json.MarshalIndent(doc, "", "  "); err != nil {
		return document{}, err
	}
	d.json = append(d.json, '\n')
	if d.yaml, err = doc.YAML(); err != nil {
		return document{}, err
	}
	d.page, d.pagePolicy, err = renderPage(doc, routes)
	return d, err
}
