package odoo

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/creativeflow/aigen/internal/app"
	"github.com/creativeflow/aigen/internal/httpcall"
)

// codes is what Odoo's own error codes mean, whatever the status they come with. A
// code that is not here says nothing: the status decides.
var codes = map[string]class{
	"insufficient_credits": classRefused,

	"access_denied": classAccess, "forbidden": classAccess, "invalid_api_key": classAccess, "unauthorized": classAccess,

	// The same reference with other content, and steps that the account's own order
	// forbids: asking again gets the same answer.
	"conflict": classPermanent, "idempotency_conflict": classPermanent, "reference_conflict": classPermanent,
	"reference_reused": classPermanent, "already_deducted": classPermanent, "already_refunded": classPermanent,
	"already_settled": classPermanent, "not_reserved": classPermanent, "unknown_reference": classPermanent,
	"amount_mismatch": classPermanent, "user_mismatch": classPermanent, "unknown_user": classPermanent,
	"bad_request": classPermanent, "invalid_amount": classPermanent, "invalid_input": classPermanent,
	"invalid_operation": classPermanent, "invalid_reference": classPermanent, "invalid_request": classPermanent,
	"validation_error": classPermanent,
}

// classify says what an answer to one operation means.
func classify(op opName, a httpcall.Answer) result {
	o, isJSON := a.JSON()
	v := classifyStatus(op, a, o, isJSON)
	if v.class == classRefused && op != opReserve {
		// Only a reservation can be unaffordable: what is held is paid for.
		v.class = classPermanent
	}
	return v
}

func classifyStatus(op opName, a httpcall.Answer, o httpcall.Object, isJSON bool) result {
	status := "HTTP " + strconv.Itoa(a.Status)
	switch {
	case a.Redirects():
		return unusable("%s, a redirect, perhaps to a login page; redirects are not followed: check ODOO_SERVICE_URL", status)
	case !isJSON && overloaded(a.Status):
		return result{class: classUnavailable, detail: status + " without JSON", after: a.RetryAfter(time.Now()), brief: true}
	case !isJSON && a.HTML():
		return unusable("%s with a page in HTML: Odoo's database is gone or not the right one, "+
			"or ODOO_SERVICE_URL is not where the credit addon is", status)
	case !isJSON:
		return unusable("%s without a JSON object", status)
	case a.Status == http.StatusOK || a.Status == http.StatusCreated:
		return classifyObject(op, o)
	case a.Status == http.StatusUnauthorized || a.Status == http.StatusForbidden:
		return result{class: classAccess, detail: status + ": the key is refused, check ODOO_API_KEY"}
	case overloaded(a.Status):
		return result{
			class: classUnavailable, detail: status + errorBodyOf(o).text(), after: a.RetryAfter(time.Now()), brief: true,
		}
	}
	c := errorBodyOf(o)
	if class, known := codes[c.code]; known {
		return ofCode(class, status, c)
	}
	detail := status + c.text()
	switch a.Status {
	case http.StatusPaymentRequired:
		return result{class: classRefused, detail: detail}
	case http.StatusBadRequest, http.StatusConflict, http.StatusUnprocessableEntity:
		return result{class: classPermanent, detail: detail}
	}
	return unusable("%s", detail)
}

// ofCode is the verdict of a code that is known. What is said where the key is refused
// is not repeated: it may quote the key.
func ofCode(class class, what string, c errorBody) result {
	if class == classAccess {
		return result{class: class, detail: what + ", code " + c.code + ": the key is refused, check ODOO_API_KEY"}
	}
	return result{class: class, detail: what + c.text()}
}

// overloaded reports whether another try may get another answer.
func overloaded(status int) bool {
	switch status {
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests:
		return true
	}
	return status >= http.StatusInternalServerError
}

// classifyObject says what a good answer means, also as one of a batch.
func classifyObject(op opName, o httpcall.Object) result {
	if c := errorBodyOf(o); c.made {
		if class, known := codes[c.code]; known {
			return ofCode(class, "an error", c)
		}
		return result{class: classUnavailable, detail: "an error" + c.text(), brief: true}
	}
	o = resultObject(o)
	if ok, present := o.Bool("ok"); present && !ok {
		if afford, has := o.Bool("can_afford"); op != opReserve || !has || afford {
			return unusable("not ok, and no reason is given")
		}
	}
	if op == opReserve {
		return classifyReserve(o)
	}
	if ok, present := o.Bool("ok"); !present || !ok {
		return unusable(`the answer lacks "ok" as true or false`)
	}
	return done()
}

// classifyReserve goes by can_afford alone: a fault in "available", which nobody needs
// here, is no reason to turn a user away.
func classifyReserve(o httpcall.Object) result {
	afford, present := o.Bool("can_afford")
	switch {
	case !present:
		return unusable(`the answer lacks "can_afford" as true or false`)
	case afford:
		return done()
	}
	detail := "the user cannot afford it"
	if available, err := parseBalance(o["available"]); err == nil {
		detail = "available " + available.String()
	}
	return result{class: classRefused, detail: detail}
}

// resultObject is the answer within an answer in JSON-RPC, which Odoo's routes of
// type='json' wrap theirs in.
func resultObject(o httpcall.Object) httpcall.Object {
	if _, rpc := o["jsonrpc"]; rpc {
		return o.Object("result")
	}
	return o
}

// errorBody is an error that an answer names.
type errorBody struct {
	made          bool
	code, message string
}

// errorBodyOf finds the error in {"error": {"code", "message"}}, {"error": "code"},
// {"ok": false, "code"} and JSON-RPC's {"jsonrpc", "error": {"data": …}}.
func errorBodyOf(o httpcall.Object) errorBody {
	o = withoutEnvelope(o)
	if !o.Has("error") {
		if ok, present := o.Bool("ok"); present && !ok && o.Has("code") {
			return errorBody{made: true, code: code(o.Text("code")), message: o.Text("message")}
		}
		return errorBody{}
	}
	e := o.Object("error")
	if e == nil {
		return errorBody{made: true, code: code(o.Text("error")), message: o.Text("message")}
	}
	c := errorBody{made: true, code: code(e.Text("code")), message: e.Text("message")}
	if data := e.Object("data"); c.code == "" && data != nil {
		// Of JSON-RPC's data only the code is taken and the name of the exception:
		// the rest is a traceback.
		c.code = code(data.Text("code"))
		c.message = strings.TrimSpace(c.message + " " + data.Text("name"))
	}
	return c
}

func withoutEnvelope(o httpcall.Object) httpcall.Object {
	if !o.Has("error") {
		return resultObject(o)
	}
	return o
}

func code(s string) string { return strings.ToLower(httpcall.Short(s, 64)) }

// text is the complaint for operators.
func (c errorBody) text() string {
	s := ""
	if c.code != "" {
		s += ", code " + c.code
	}
	if m := httpcall.Short(c.message, 200); m != "" {
		s += ", message: " + m
	}
	return s
}

// classifyFault says what a call without an answer means.
func classifyFault(err error) result {
	v := result{class: classUnavailable, cause: err}
	var f *httpcall.CallError
	if errors.As(err, &f) {
		v.brief = f.Kind == httpcall.Unreachable || f.Kind == httpcall.CutOff
		v.unheard = f.Kind == httpcall.GivenUp
	}
	return v
}

// classifyBalance reads the answer to a question for the balance.
func classifyBalance(a httpcall.Answer) (app.Balance, result) {
	o, isJSON := a.JSON()
	if !isJSON || (a.Status != http.StatusOK && a.Status != http.StatusCreated) || errorBodyOf(o).made {
		v := classifyStatus(opBalance, a, o, isJSON)
		if !v.failed() {
			v.class = classUnavailable // there is no other error here
		}
		return app.Balance{}, v
	}
	o = resultObject(o)
	var b app.Balance
	var err error
	if b.Balance, err = parseBalance(o["balance"]); err != nil {
		return app.Balance{}, unusable("balance: %s", err)
	}
	if b.Reserved, err = parseBalance(o["reserved"]); err != nil {
		return app.Balance{}, unusable("reserved: %s", err)
	}
	if b.Available, err = parseBalance(o["available"]); err != nil {
		return app.Balance{}, unusable("available: %s", err)
	}
	return b, done()
}
