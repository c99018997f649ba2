package openapi

import (
	"bytes"
	"crypto/sha256"
	_ "embed" // the page's template and style
	"encoding/base64"
	"fmt"
	"html/template"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/creativeflow/aigen/internal/httpapi/wire"
)

//go:embed page.html
var pageTemplate string

//go:embed page.css
var pageStyle string

// pageData is the document in the order in which a person reads it.
type pageData struct {
	Title, Version string
	Text           template.HTML
	Style          template.CSS
	Groups         []pageGroup
	Schemes        []pageField
	Schemas        []pageSchema
	Codes          []kindRow
}

type pageGroup struct {
	Name, Text string
	Operations []pageOperation
}

type pageOperation struct {
	ID, Method, Path, Summary string
	Text                      template.HTML
	Security                  []string
	Params, Fields            []pageField
	Body                      template.HTML
	Answers                   []pageAnswer
}

type pageField struct {
	Name, In string
	Required bool
	Type     template.HTML
	Text     template.HTML
}

type pageAnswer struct {
	Status  string
	Good    bool
	Text    template.HTML
	Type    template.HTML
	Headers []string
}

type pageSchema struct {
	Name   string
	Fields []pageField
}

type kindRow struct {
	Code, Title, Retry string
	Status             int
}

// renderPage makes the page, which loads nothing and runs nothing, and the policy
// that has browsers enforce that.
func renderPage(doc *huma.OpenAPI, routes []Route) (page []byte, csp string, err error) {
	t, err := template.New("page").Parse(pageTemplate)
	if err != nil {
		return nil, "", err
	}
	data := pageData{
		Title: doc.Info.Title, Version: doc.Info.Version, Text: prose(doc.Info.Description),
		Style: template.CSS(pageStyle), Schemas: pageSchemas(doc), //nolint:gosec // G203: our own file
	}
	for _, name := range slices.Sorted(maps.Keys(doc.Components.SecuritySchemes)) {
		scheme := doc.Components.SecuritySchemes[name]
		where := template.HTML("Authorization: Bearer")
		if scheme.Name != "" {
			where = template.HTML(template.HTMLEscapeString(scheme.Name)) //nolint:gosec // G203: escaped
		}
		data.Schemes = append(data.Schemes, pageField{Name: name, Type: where, Text: prose(scheme.Description)})
	}
	for _, tag := range doc.Tags {
		data.Groups = append(data.Groups, pageGroup{Name: tag.Name, Text: tag.Description, Operations: pageOperations(doc, routes, tag.Name)})
	}
	for _, k := range wire.ErrorSpecs() {
		row := kindRow{Code: string(k.Code), Title: k.Title, Status: k.Status}
		if k.Retry > 0 {
			row.Retry = wire.Seconds(k.Retry) + " s"
		}
		data.Codes = append(data.Codes, row)
	}
	slices.SortStableFunc(data.Codes, func(a, b kindRow) int { return a.Status - b.Status })
	var out bytes.Buffer
	if err := t.Execute(&out, data); err != nil {
		return nil, "", err
	}
	sum := sha256.Sum256([]byte(pageStyle))
	csp = "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) +
		"'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
	return out.Bytes(), csp, nil
}

// pageOperations follows the order of the table of routes.
func pageOperations(doc *huma.OpenAPI, routes []Route, tag string) (ops []pageOperation) {
	for _, rt := range routes {
		item := doc.Paths[rt.Path]
		if item == nil {
			continue
		}
		op := item.Get
		switch rt.Method {
		case http.MethodPost:
			op = item.Post
		case http.MethodDelete:
			op = item.Delete
		}
		if op != nil && slices.Contains(op.Tags, tag) {
			ops = append(ops, pageOperationOf(doc, op))
		}
	}
	return ops
}

func pageOperationOf(doc *huma.OpenAPI, op *huma.Operation) pageOperation {
	p := pageOperation{ID: op.OperationID, Method: op.Method, Path: op.Path, Summary: op.Summary, Text: prose(op.Description)}
	for _, alternative := range op.Security {
		p.Security = append(p.Security, slices.Collect(maps.Keys(alternative))...)
	}
	for _, param := range op.Parameters {
		p.Params = append(p.Params, pageField{
			Name: param.Name, In: param.In, Required: param.Required, Type: typeOf(param.Schema), Text: prose(param.Description),
		})
	}
	if op.RequestBody != nil {
		if media := op.RequestBody.Content["application/json"]; media != nil {
			p.Body, p.Fields = typeOf(media.Schema), fieldsOf(doc.Components.Schemas.SchemaFromRef(media.Schema.Ref))
		} else {
			p.Body = "a picture"
		}
	}
	for _, status := range slices.Sorted(maps.Keys(op.Responses)) {
		r := op.Responses[status]
		a := pageAnswer{
			Status: status, Good: status < "400", Text: prose(r.Description),
			Headers: slices.Sorted(maps.Keys(r.Headers)),
		}
		var types []string
		for _, media := range slices.Sorted(maps.Keys(r.Content)) {
			types = append(types, string(typeOf(r.Content[media].Schema))+" <small>"+template.HTMLEscapeString(media)+"</small>")
		}
		a.Type = template.HTML(strings.Join(types, "<br>")) //nolint:gosec // G203: escaped above
		p.Answers = append(p.Answers, a)
	}
	return p
}

func pageSchemas(doc *huma.OpenAPI) (all []pageSchema) {
	schemas := doc.Components.Schemas.Map()
	for _, name := range slices.Sorted(maps.Keys(schemas)) {
		all = append(all, pageSchema{Name: name, Fields: fieldsOf(schemas[name])})
	}
	return all
}

// fieldsOf lists the required fields first.
func fieldsOf(s *huma.Schema) (fields []pageField) {
	for _, name := range slices.Sorted(maps.Keys(s.Properties)) {
		p := s.Properties[name]
		fields = append(fields, pageField{
			Name: name, Required: slices.Contains(s.Required, name), Type: typeOf(p), Text: prose(p.Description),
		})
	}
	slices.SortStableFunc(fields, func(a, b pageField) int {
		switch {
		case a.Required == b.Required:
			return 0
		case a.Required:
			return -1
		default:
			return 1
		}
	})
	return fields
}

// typeOf writes a schema as a short type, with a link to one that has a name.
func typeOf(s *huma.Schema) template.HTML {
	return template.HTML(typeText(s)) //nolint:gosec // G203: its parts are escaped
}

func typeText(s *huma.Schema) string {
	var text string
	switch {
	case s == nil:
		return ""
	case s.Ref != "":
		name := template.HTMLEscapeString(s.Ref[strings.LastIndexByte(s.Ref, '/')+1:])
		return `<a href="#schema-` + name + `">` + name + `</a>`
	case len(s.AnyOf) > 0:
		var parts []string
		for _, part := range s.AnyOf {
			parts = append(parts, typeText(part))
		}
		return strings.Join(parts, " | ")
	case s.Type == huma.TypeArray:
		text = "list of " + typeText(s.Items)
	case s.Type == "":
		text = "any JSON"
	default:
		text = template.HTMLEscapeString(s.Type)
	}
	if s.Format != "" && s.Type == huma.TypeString {
		text = template.HTMLEscapeString(s.Format)
	}
	if s.Nullable {
		text += " | null"
	}
	return text + limitsOf(s)
}

func limitsOf(s *huma.Schema) string {
	var parts []string
	number := func(name string, v *float64) {
		if v != nil {
			parts = append(parts, fmt.Sprintf("%s %g", name, *v))
		}
	}
	length := func(name string, v *int) {
		if v != nil {
			parts = append(parts, fmt.Sprintf("%s %d", name, *v))
		}
	}
	number("from", s.Minimum)
	number("to", s.Maximum)
	length("at least", s.MinLength)
	length("at most", s.MaxLength)
	if s.Default != nil {
		parts = append(parts, fmt.Sprintf("default %v", s.Default))
	}
	var words []string
	for _, e := range s.Enum {
		if e != nil {
			words = append(words, fmt.Sprint(e))
		}
	}
	if len(words) > 0 && len(words) <= 16 {
		parts = append(parts, strings.Join(words, ", "))
	}
	if len(parts) == 0 {
		return ""
	}
	return " <small>" + template.HTMLEscapeString(strings.Join(parts, "; ")) + "</small>"
}

var codeSpan = regexp.MustCompile("`([^`]+)`")

// prose turns a description into HTML: paragraphs and `code`.
func prose(text string) template.HTML {
	if text == "" {
		return ""
	}
	html := codeSpan.ReplaceAllString(template.HTMLEscapeString(text), "<code>$1</code>")
	return template.HTML("<p>" + strings.ReplaceAll(html, "\n\n", "</p><p>") + "</p>") //nolint:gosec // G203: escaped above
}
