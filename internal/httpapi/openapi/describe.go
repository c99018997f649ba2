package openapi

import (
	"cmp"
	"net/http"
	"reflect"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/httpapi/wire"
	"github.com/creativeflow/aigen/internal/web"
)

// apiVersion is that of the contract; it changes when clients have to.
const apiVersion = "1.0.0"

const apiText = `Starts and follows AI generations: samples, a choice, a final picture, and the credits for each.

Calls need a token: ` + "`Authorization: Bearer <JWT>`" + `. Times are RFC 3339 in UTC, ids are UUIDs, amounts of credits are decimal strings with two places. Every answer has an ` + "`X-Request-Id`" + `. Errors are RFC 9457 problems; branch on their ` + "`code`" + `. A repeat with the same ` + "`Idempotency-Key`" + ` within 24 hours gets the first answer. What a query does not know is refused. Where calls are limited, every answer says in ` + "`RateLimit`" + ` how many are left, and a 429 how long to wait.`

// Operation is what an operation looks like.
type Operation struct {
	ID, Tag, Summary, Text string
	Subject                string // what the variable of the path is; default "The generation."
	Params                 []*huma.Param
	Body                   reflect.Type
	BodyOptional           bool
	textID                 bool // the variable of the path is no UUID
	rawBody                bool // a picture
	dropsBody              bool // one may be sent, and is not looked at
	Answers                []Answer
	Codes                  []aigen.Code
	security               []map[string][]string
}

// Answer is one of an operation's good ends.
type Answer struct {
	Status  int
	Text    string
	media   string // default application/json
	Body    reflect.Type
	asJSON  reflect.Type // with Accept: application/json
	headers []string
}

// QueryNames are the parameters of the operation's query.
func (sp Operation) QueryNames() (names []string) {
	for _, p := range sp.Params {
		if p.In == "query" {
			names = append(names, p.Name)
		}
	}
	return names
}

// Route is a route with its description.
type Route struct {
	Method, Path string
	Guard        web.Guard
	StrictQuery  bool // a parameter of the query that is not described is refused
	Operation    Operation
}

// describe makes the OpenAPI document of the routes, in their order.
func describe(routes []Route) *huma.OpenAPI {
	s := newSchemas()
	problem := s.of(reflect.TypeFor[wire.Problem]())
	doc := &huma.OpenAPI{
		OpenAPI: "3.1.0",
		Info: &huma.Info{
			Title: "CreativeFlow AI generation orchestrator", Version: apiVersion, Description: apiText,
			License: &huma.License{Name: "Apache-2.0", Identifier: "Apache-2.0"},
		},
		Servers: []*huma.Server{{URL: "/"}},
		Tags: []*huma.Tag{
			{Name: tagGenerations, Description: "A user's generations."},
			{Name: tagEvents, Description: "What happens, as it happens."},
			{Name: tagCredits, Description: "The user's account."},
			{Name: tagAssets, Description: "Pictures that you bring."},
			{Name: tagEngine, Description: "For the workflow engine."},
			{Name: tagService, Description: "For operators and tools."},
			{Name: TagOperators, Description: "For those who run the service: the token needs the role `operator` in the claim that JWT_ROLE_CLAIM names (`roles` or `role`)."},
		},
		Components: &huma.Components{Schemas: s.registry, SecuritySchemes: securitySchemes()},
	}
	for _, rt := range routes {
		doc.AddOperation(operation(s, rt, problem))
	}
	s.finish()
	return doc
}

func operation(s schemas, rt Route, problem *huma.Schema) *huma.Operation {
	sp := rt.Operation
	op := &huma.Operation{
		Method: rt.Method, Path: rt.Path, OperationID: sp.ID, Summary: sp.Summary, Description: sp.Text,
		Tags: []string{sp.Tag}, Parameters: sp.Params, Responses: map[string]*huma.Response{}, Security: sp.security,
	}
	if _, rest, ok := strings.Cut(rt.Path, "{"); ok {
		name, _, _ := strings.Cut(rest, "}")
		op.Parameters = append([]*huma.Param{pathParam(name, cmp.Or(sp.Subject, "The generation."), sp.textID)}, op.Parameters...)
	}
	codes := sp.Codes
	if rt.Method == http.MethodGet || sp.dropsBody {
		codes = append(codes, wire.CodeIncompleteBody, wire.CodeRequestTimeout, wire.CodeBodyTooLarge)
	}
	if rt.StrictQuery {
		codes = append(codes, aigen.CodeInvalidInput)
	}
	if rt.Guard != web.GuardNone {
		op.Security = []map[string][]string{{schemeUser: {}}}
		codes = append(codes, wire.CodeMissingToken, wire.CodeInvalidToken, web.CodeAuthUnavailable, aigen.CodeRateLimited, web.CodeDatabaseUnavailable)
	}
	if rt.Guard == web.GuardOperator {
		codes = append(codes, wire.CodeOperatorRequired)
	}
	if sp.Body != nil {
		op.RequestBody = &huma.RequestBody{
			Required: !sp.BodyOptional,
			Content:  map[string]*huma.MediaType{"application/json": {Schema: s.of(sp.Body)}},
		}
		codes = append(codes, bodyCodes()...)
	}
	if sp.rawBody {
		op.RequestBody = pictureBody()
	}
	for _, a := range sp.Answers {
		op.Responses[strconv.Itoa(a.Status)] = a.response(s)
	}
	describeErrors(op, append(codes, aigen.CodeInternal), problem)
	if rt.Guard != web.GuardNone {
		describeRate(op)
	}
	return op
}

// describeRate names the fields that are in every answer to a user who is known, where
// calls are limited.
func describeRate(op *huma.Operation) {
	for status, r := range op.Responses {
		if status != strconv.Itoa(http.StatusUnauthorized) {
			r.Headers[wire.RateHeader], r.Headers[wire.RatePolicyHeader] = header(wire.RateHeader), header(wire.RatePolicyHeader)
		}
	}
}

func (a Answer) response(s schemas) *huma.Response {
	r := &huma.Response{Description: a.Text, Headers: map[string]*huma.Param{"X-Request-Id": header("X-Request-Id")}}
	for _, name := range a.headers {
		r.Headers[name] = header(name)
	}
	media := a.media
	if media == "" {
		media = "application/json"
	}
	if a.Body != nil {
		r.Content = map[string]*huma.MediaType{media: {Schema: s.of(a.Body)}}
	} else if a.Status == http.StatusOK {
		schema := &huma.Schema{Type: huma.TypeString}
		if media == "application/json" {
			schema = &huma.Schema{Type: huma.TypeObject, AdditionalProperties: true}
		}
		r.Content = map[string]*huma.MediaType{media: {Schema: schema}}
	}
	if a.asJSON != nil {
		r.Content["application/json"] = &huma.MediaType{Schema: s.of(a.asJSON)}
	}
	return r
}

// describeErrors adds one answer a status, which names its codes.
func describeErrors(op *huma.Operation, codes []aigen.Code, problem *huma.Schema) {
	for _, k := range wire.ErrorSpecs() {
		if !has(codes, k.Code) {
			continue
		}
		status := strconv.Itoa(k.Status)
		r := op.Responses[status]
		if r == nil || r.Content["application/problem+json"] == nil {
			r = &huma.Response{
				Headers: map[string]*huma.Param{"X-Request-Id": header("X-Request-Id")},
				Content: map[string]*huma.MediaType{"application/problem+json": {Schema: problem}},
			}
			op.Responses[status] = r
		}
		if r.Description != "" {
			r.Description += "\n\n"
		}
		r.Description += "`" + string(k.Code) + "`: " + k.Title + "."
		if k.Retry > 0 {
			r.Headers["Retry-After"] = header("Retry-After")
		}
		if k.Code == wire.CodeUnsupportedCoding {
			r.Headers["Accept-Encoding"] = header("Accept-Encoding")
		}
		if k.Status == http.StatusUnauthorized {
			r.Headers["WWW-Authenticate"] = header("WWW-Authenticate")
		}
	}
}

func has(codes []aigen.Code, code aigen.Code) bool {
	for _, c := range codes {
		if c == code {
			return true
		}
	}
	return false
}

func bodyCodes() []aigen.Code {
	return []aigen.Code{
		wire.CodeMalformedJSON, wire.CodeEmptyBody, wire.CodeInvalidUTF8, wire.CodeNestingTooDeep, wire.CodeDuplicateKey, wire.CodeIncompleteBody,
		wire.CodeRequestTimeout, wire.CodeBodyTooLarge, wire.CodeUnsupportedType, wire.CodeUnsupportedCoding, aigen.CodeInvalidInput,
	}
}
