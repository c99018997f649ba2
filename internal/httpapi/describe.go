package httpapi

import (
	"net/http"
	"reflect"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/creativeflow/aigen"
)

// apiVersion is that of the contract; it changes when clients have to.
const apiVersion = "1.0.0"

const apiText = `Starts and follows AI generations: samples, a choice, a final picture, and the credits for each.

Calls need a token: ` + "`Authorization: Bearer <JWT>`" + `. Times are RFC 3339 in UTC, ids are UUIDs, amounts of credits are decimal strings with two places. Every answer has an ` + "`X-Request-Id`" + `. Errors are RFC 9457 problems; branch on their ` + "`code`" + `. A repeat with the same ` + "`Idempotency-Key`" + ` within 24 hours gets the first answer. What a query does not know is refused. Where calls are limited, every answer says in ` + "`RateLimit`" + ` how many are left, and a 429 how long to wait.`

// spec is what an operation looks like.
type spec struct {
	id, tag, summary, text string
	params                 []*huma.Param
	body                   reflect.Type
	bodyOptional           bool
	rawBody                bool // a picture
	dropsBody              bool // one may be sent, and is not looked at
	answers                []answer
	codes                  []aigen.Code
	security               []map[string][]string
}

// answer is one of an operation's good ends.
type answer struct {
	status  int
	text    string
	media   string // default application/json
	body    reflect.Type
	asJSON  reflect.Type // with Accept: application/json
	headers []string
}

// describe makes the OpenAPI document from the table of routes and their specs.
func describe() *huma.OpenAPI {
	s := newShapes()
	problem := s.of(reflect.TypeFor[Problem]())
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
			{Name: tagOperators, Description: "For those who run the service: the token needs the role `operator` in the claim that JWT_ROLE_CLAIM names (`roles` or `role`)."},
		},
		Components: &huma.Components{Schemas: s.registry, SecuritySchemes: securitySchemes()},
	}
	specs := specs()
	for _, rt := range routes() {
		if sp, ok := specs[rt.method+" "+rt.path]; ok {
			doc.AddOperation(operation(s, rt, sp, problem))
		}
	}
	s.finish()
	return doc
}

func operation(s shapes, rt route, sp spec, problem *huma.Schema) *huma.Operation {
	op := &huma.Operation{
		Method: rt.method, Path: rt.path, OperationID: sp.id, Summary: sp.summary, Description: sp.text,
		Tags: []string{sp.tag}, Parameters: sp.params, Responses: map[string]*huma.Response{}, Security: sp.security,
	}
	if _, rest, ok := strings.Cut(rt.path, "{"); ok {
		name, _, _ := strings.Cut(rest, "}")
		op.Parameters = append([]*huma.Param{idParam(rt.path, name)}, op.Parameters...)
	}
	codes := sp.codes
	if rt.method == http.MethodGet || sp.dropsBody {
		codes = append(codes, codeIncompleteBody, codeRequestTimeout, codeBodyTooLarge)
	}
	if rt.strictQuery() {
		codes = append(codes, aigen.CodeInvalidInput)
	}
	if rt.guard != guardNone {
		op.Security = []map[string][]string{{schemeUser: {}}}
		codes = append(codes, codeMissingToken, codeInvalidToken, codeAuthUnavailable, aigen.CodeRateLimited, codeDatabaseUnavailable)
	}
	if rt.guard == guardOperator {
		codes = append(codes, codeOperatorRequired)
	}
	if sp.body != nil {
		op.RequestBody = &huma.RequestBody{
			Required: !sp.bodyOptional,
			Content:  map[string]*huma.MediaType{"application/json": {Schema: s.of(sp.body)}},
		}
		codes = append(codes, bodyCodes()...)
	}
	if sp.rawBody {
		op.RequestBody = pictureBody()
	}
	for _, a := range sp.answers {
		op.Responses[strconv.Itoa(a.status)] = a.response(s)
	}
	describeErrors(op, append(codes, aigen.CodeInternal), problem)
	if rt.guard != guardNone {
		describeRate(op)
	}
	return op
}

// describeRate names the fields that are in every answer to a user who is known, where
// calls are limited.
func describeRate(op *huma.Operation) {
	for status, r := range op.Responses {
		if status != strconv.Itoa(http.StatusUnauthorized) {
			r.Headers[rateHeader], r.Headers[ratePolicyHeader] = header(rateHeader), header(ratePolicyHeader)
		}
	}
}

func (a answer) response(s shapes) *huma.Response {
	r := &huma.Response{Description: a.text, Headers: map[string]*huma.Param{"X-Request-Id": header("X-Request-Id")}}
	for _, name := range a.headers {
		r.Headers[name] = header(name)
	}
	media := a.media
	if media == "" {
		media = "application/json"
	}
	if a.body != nil {
		r.Content = map[string]*huma.MediaType{media: {Schema: s.of(a.body)}}
	} else if a.status == http.StatusOK {
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
	for _, k := range errorTable {
		if !has(codes, k.code) {
			continue
		}
		status := strconv.Itoa(k.status)
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
		r.Description += "`" + string(k.code) + "`: " + k.title + "."
		if k.retry > 0 {
			r.Headers["Retry-After"] = header("Retry-After")
		}
		if k.code == codeUnsupportedCoding {
			r.Headers["Accept-Encoding"] = header("Accept-Encoding")
		}
		if k.status == http.StatusUnauthorized {
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
		codeMalformedJSON, codeEmptyBody, codeInvalidUTF8, codeNestingTooDeep, codeDuplicateKey, codeIncompleteBody,
		codeRequestTimeout, codeBodyTooLarge, codeUnsupportedType, codeUnsupportedCoding, aigen.CodeInvalidInput,
	}
}
