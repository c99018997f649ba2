package odoo_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/app"
	"github.com/creativeflow/aigen/internal/odoo"
)

const (
	jsonType = "application/json"
	htmlType = "text/html; charset=utf-8"
	page     = "<!DOCTYPE html><html><body><h1>404: Not Found</h1></body></html>"
)

// What each answer means for a reservation and for a deduction or refund: the two
// differ where a settlement cannot be unaffordable.
func TestAnswers(t *testing.T) {
	t.Parallel()
	rpc := func(inner string) string { return `{"jsonrpc":"2.0","id":null,` + inner + `}` }
	fault := func(code string) string { return fmt.Sprintf(`{"error":{"code":%q,"message":"No."}}`, code) }
	const done, refused, permanent, unavailable = "done", "refused", "permanent", "unavailable"
	tests := map[string]struct {
		answer          http.HandlerFunc
		reserve, settle string
	}{
		"contract, yes":           {says(200, jsonType, `{"can_afford":true,"available":"3.75","ok":true}`), done, done},
		"contract, no":            {says(200, jsonType, `{"can_afford":false,"available":"0.10"}`), refused, unavailable},
		"no, and not ok":          {says(200, jsonType, `{"ok":false,"can_afford":false}`), refused, unavailable},
		"201":                     {says(201, jsonType, `{"can_afford":true,"ok":true}`), done, done},
		"labelled as text":        {says(200, "text/plain", `{"can_afford":true,"ok":true}`), done, done},
		"labelled as HTML":        {says(200, htmlType, `{"can_afford":true,"ok":true}`), done, done},
		"error is null":           {says(200, jsonType, `{"can_afford":true,"ok":true,"error":null}`), done, done},
		"error is Odoo's none":    {says(200, jsonType, `{"can_afford":true,"ok":true,"error":false}`), done, done},
		"available is odd":        {says(200, jsonType, `{"can_afford":true,"ok":true,"available":0.30000000000000004}`), done, done},
		"within JSON-RPC":         {says(200, jsonType, rpc(`"result":{"can_afford":true,"ok":true}`)), done, done},
		"refused within JSON-RPC": {says(200, jsonType, rpc(`"result":{"error":{"code":"insufficient_credits"}}`)), refused, permanent},

		"402":                    {says(402, jsonType, `{}`), refused, permanent},
		"402 with code":          {says(402, jsonType, fault("insufficient_credits")), refused, permanent},
		"200 insufficient":       {says(200, jsonType, fault("insufficient_credits")), refused, permanent},
		"200 insufficient, text": {says(200, jsonType, `{"error":"insufficient_credits"}`), refused, permanent},
		"200 insufficient, flat": {says(200, jsonType, `{"ok":false,"code":"insufficient_credits","can_afford":false}`), refused, permanent},
		"422 insufficient":       {says(422, jsonType, fault("INSUFFICIENT_CREDITS")), refused, permanent},
		"402 as a page":          {says(402, htmlType, page), unavailable, unavailable},
		"402 empty":              {says(402, jsonType, ""), unavailable, unavailable},
		"500 insufficient":       {says(500, jsonType, fault("insufficient_credits")), unavailable, unavailable},

		"409":             {says(409, jsonType, fault("whatever")), permanent, permanent},
		"400":             {says(400, jsonType, `{}`), permanent, permanent},
		"422":             {says(422, jsonType, fault("whatever")), permanent, permanent},
		"200 conflict":    {says(200, jsonType, fault("reference_conflict")), permanent, permanent},
		"404 with reason": {says(404, jsonType, fault("unknown_reference")), permanent, permanent},
		"409 as a page":   {says(409, htmlType, page), unavailable, unavailable},
		"422 as a page":   {says(422, htmlType, page), unavailable, unavailable},
		"400 as a page":   {says(400, htmlType, page), unavailable, unavailable},

		"401":           {says(401, jsonType, fault("unauthorized")), unavailable, unavailable},
		"403":           {says(403, jsonType, fault("validation_error")), unavailable, unavailable},
		"200 forbidden": {says(200, jsonType, fault("access_denied")), unavailable, unavailable},
		"404":           {says(404, jsonType, fault("not_found")), unavailable, unavailable},
		"405":           {says(405, jsonType, `{}`), unavailable, unavailable},
		"413":           {says(413, jsonType, `{}`), unavailable, unavailable},
		"408":           {says(408, jsonType, `{}`), unavailable, unavailable},
		"425":           {says(425, jsonType, `{}`), unavailable, unavailable},
		"429":           {says(429, jsonType, `{}`), unavailable, unavailable},
		"500":           {says(500, jsonType, fault("server_error")), unavailable, unavailable},
		"503":           {says(503, "text/plain", "busy"), unavailable, unavailable},

		"404 as a page":   {says(404, htmlType, page), unavailable, unavailable},
		"200 as a page":   {says(200, htmlType, page), unavailable, unavailable},
		"a page as JSON":  {says(200, jsonType, page), unavailable, unavailable},
		"500 as a page":   {says(500, htmlType, page), unavailable, unavailable},
		"301":             {says(301, htmlType, "", "Location", "https://elsewhere/"), unavailable, unavailable},
		"302 to login":    {says(302, htmlType, "", "Location", "/web/login"), unavailable, unavailable},
		"303 with yes":    {says(303, jsonType, `{"can_afford":true,"ok":true}`, "Location", "/web/login"), unavailable, unavailable},
		"307":             {says(307, htmlType, "", "Location", "/"), unavailable, unavailable},
		"308":             {says(308, htmlType, "", "Location", "/"), unavailable, unavailable},
		"202 not yet":     {says(202, jsonType, `{"can_afford":true,"ok":true}`), unavailable, unavailable},
		"204":             {says(204, jsonType, ""), unavailable, unavailable},
		"RPC fault":       {says(200, jsonType, rpc(`"error":{"code":200,"message":"Odoo Server Error","data":{"name":"psycopg2.OperationalError","debug":"Traceback"}}`)), unavailable, unavailable},
		"RPC session":     {says(200, jsonType, rpc(`"error":{"code":100,"message":"Odoo Session Expired"}`)), unavailable, unavailable},
		"RPC says nobody": {says(200, jsonType, rpc(`"result":null`)), unavailable, unavailable},
		"error, no code":  {says(200, jsonType, `{"error":{},"can_afford":true,"ok":true}`), unavailable, unavailable},
		"error, odd":      {says(200, jsonType, `{"error":[1],"can_afford":true,"ok":true}`), unavailable, unavailable},
		"error, unknown":  {says(200, jsonType, fault("mystery")), unavailable, unavailable},
		"yes, not ok":     {says(200, jsonType, `{"can_afford":true,"ok":false}`), unavailable, unavailable},
		"not ok":          {says(200, jsonType, `{"ok":false}`), unavailable, unavailable},

		"empty":          {says(200, jsonType, ""), unavailable, unavailable},
		"empty object":   {says(200, jsonType, `{}`), unavailable, unavailable},
		"null":           {says(200, jsonType, `null`), unavailable, unavailable},
		"list":           {says(200, jsonType, `[{"can_afford":true,"ok":true}]`), unavailable, unavailable},
		"bare true":      {says(200, jsonType, `true`), unavailable, unavailable},
		"truncated":      {says(200, jsonType, `{"can_afford":true,"ok":true`), unavailable, unavailable},
		"two answers":    {says(200, jsonType, `{"can_afford":true,"ok":true}{"can_afford":false}`), unavailable, unavailable},
		"text for true":  {says(200, jsonType, `{"can_afford":"true","ok":"true"}`), unavailable, unavailable},
		"number for yes": {says(200, jsonType, `{"can_afford":1,"ok":1}`), unavailable, unavailable},
		"null for yes":   {says(200, jsonType, `{"can_afford":null,"ok":null}`), unavailable, unavailable},
		"other case":     {says(200, jsonType, `{"Can_Afford":true,"OK":true}`), unavailable, unavailable},
		"NaN":            {says(200, jsonType, `{"can_afford":true,"ok":true,"available":NaN}`), unavailable, unavailable},
		"cut short":      {says(200, jsonType, `{"can_afford":true`, "Content-Length", "1000"), unavailable, unavailable},
		"too long":       {says(200, jsonType, `{"can_afford":true,"ok":true,"x":"`+strings.Repeat("x", 2<<20)+`"}`), unavailable, unavailable},
		"hangs up":       {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, unavailable, unavailable},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := connect(t, odoo.Config{Breaker: odoo.BreakerConfig{Failures: 1000}}, tt.answer)
			for call, want := range map[string]struct {
				f    func(context.Context, app.CreditOperation) error
				want string
			}{"reserve": {s.Reserve, tt.reserve}, "deduct": {s.Deduct, tt.settle}, "refund": {s.Refund, tt.settle}} {
				err := want.f(t.Context(), operation())
				assert.Equal(t, want.want, class(err), call)
				if err != nil {
					assert.NotContains(t, err.Error(), testKey)
					assert.NotContains(t, err.Error(), "Traceback")
				}
			}
		})
	}
}

func TestBodiesAndHeaders(t *testing.T) {
	t.Parallel()
	type trace struct{}
	var got []string
	s := connect(t, odoo.Config{
		Database: "production",
		Annotate: func(ctx context.Context, h http.Header) { h.Set("Traceparent", ctx.Value(trace{}).(string)) },
	}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body := new(strings.Builder)
		_, _ = fmt.Fprint(body, r.Method, " ", r.URL.RequestURI(), " ")
		b := make([]byte, 4096)
		n, _ := r.Body.Read(b)
		body.Write(b[:n])
		got = append(got, body.String())
		assert.Equal(t, "Bearer "+testKey, r.Header.Get("Authorization"))
		assert.Equal(t, "production", r.Header.Get("X-Odoo-Database"))
		assert.Equal(t, "00-1-2-01", r.Header.Get("Traceparent"))
		says(200, jsonType, `{"can_afford":true,"ok":true,"balance":"1.00","reserved":"0.25","available":"0.75"}`)(w, r)
	}))
	id := func(last string) aigen.ID {
		parsed, err := aigen.ParseID("00000000-0000-7000-8000-00000000000" + last)
		require.NoError(t, err)
		return parsed
	}
	op := app.CreditOperation{UserID: id("1"), GenerationID: id("2"), Reference: id("3"), Amount: 25}
	ctx := context.WithValue(t.Context(), trace{}, "00-1-2-01")
	require.NoError(t, s.Reserve(ctx, op))
	op.Amount = 1234_50
	require.NoError(t, s.Deduct(ctx, op))
	require.NoError(t, s.Refund(ctx, op))
	b, err := s.Balance(ctx, op.UserID)
	require.NoError(t, err)
	assert.Equal(t, app.Balance{Balance: 100, Reserved: 25, Available: 75}, b)
	body := `{"user_id":"00000000-0000-7000-8000-000000000001","amount":"%s",` +
		`"generation_id":"00000000-0000-7000-8000-000000000002","reference":"00000000-0000-7000-8000-000000000003"}`
	assert.Equal(t, []string{
		"POST /api/v1/credits/check_and_reserve " + fmt.Sprintf(body, "0.25"),
		"POST /api/v1/credits/deduct " + fmt.Sprintf(body, "1234.50"),
		"POST /api/v1/credits/refund " + fmt.Sprintf(body, "1234.50"),
		"GET /api/v1/credits/balance?user_id=00000000-0000-7000-8000-000000000001 ",
	}, got)
}

func TestBalances(t *testing.T) {
	t.Parallel()
	with := func(balance string) string {
		return `{"balance":` + balance + `,"reserved":0,"available":"1.5"}`
	}
	good := map[string]aigen.Credits{
		`"12.34"`: 1234, `12.34`: 1234, `12`: 1200, `"12"`: 1200, `12.5`: 1250, `"12.5000"`: 1250, `1.25E+1`: 1250,
		`125e-1`: 1250, `"-3.00"`: -300, `-0.25`: -25, `0`: 0, `-0`: 0, `0.0`: 0, `1e3`: 100000, `0.07`: 7, `7e-2`: 7,
		`1000000000000`:       aigen.MaxCredits,
		`0.30000000000000004`: 30, `8.125`: 812, `0.001`: 0, `1e-3`: 0, `"-8.000000000000005"`: -801,
	}
	for text, want := range good {
		t.Run("good "+text, func(t *testing.T) {
			t.Parallel()
			s := connect(t, odoo.Config{}, says(200, jsonType, with(text)))
			b, err := s.Balance(t.Context(), newID())
			require.NoError(t, err)
			assert.Equal(t, app.Balance{Balance: want, Available: 150}, b)
		})
	}
	bad := []string{
		`"NaN"`, `NaN`, `Infinity`, `"Infinity"`, `"-inf"`, `null`, `true`, `false`, `{}`, `[]`, `""`, `" 1"`, `"1 "`, `"1,5"`, `"+1"`,
		`"1."`, `".5"`, `"0x10"`, `"1_000"`, `1e400`, `1e999999999999`, `1000000000000.01`,
		`"` + strings.Repeat("0", 100) + `1"`, `"01.00"`,
	}
	for _, text := range bad {
		t.Run("bad "+text, func(t *testing.T) {
			t.Parallel()
			s := connect(t, odoo.Config{}, says(200, jsonType, with(text)))
			_, err := s.Balance(t.Context(), newID())
			assert.Equal(t, "unavailable", class(err))
		})
	}
	for name, h := range map[string]http.HandlerFunc{
		"missing":   says(200, jsonType, `{"balance":"1.00","reserved":"0.00"}`),
		"conflict":  says(409, jsonType, `{}`),
		"402":       says(402, jsonType, `{}`),
		"no access": says(401, jsonType, `{}`),
		"page":      says(404, htmlType, page),
		"error":     says(200, jsonType, `{"error":{"code":"unknown_user"},"balance":"1.00","reserved":"0.00","available":"1.00"}`),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := connect(t, odoo.Config{}, h)
			_, err := s.Balance(t.Context(), newID())
			assert.Equal(t, "unavailable", class(err), "nothing else is known to users of the port")
		})
	}
}

// A user who waits is spared a fault that is over in a moment; the reference is the
// same at each try.
func TestReserveTriesAgain(t *testing.T) {
	t.Parallel()
	o := newRemote(t)
	faults := 2
	s := connect(t, odoo.Config{}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if faults > 0 { // only one call is under way at a time
			faults--
			o.afterwork = func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }
		} else {
			o.afterwork = nil
		}
		o.ServeHTTP(w, r)
	}))
	op := operation()
	require.NoError(t, s.Reserve(t.Context(), op))
	seen := o.seen()
	require.Len(t, seen, 3)
	for _, c := range seen {
		assert.Equal(t, op.Reference.String(), c.ops[0].Reference)
	}
	assert.Equal(t, aigen.Credits(99_75), o.credit[op.UserID.String()], "held once")
}

// What cannot change in a moment is not asked again, and nor are deductions, which
// the outbox repeats.
func TestNoTryTooMany(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		answer http.HandlerFunc
		call   string
		want   int
	}{
		"refused":          {says(402, jsonType, `{}`), "reserve", 1},
		"conflict":         {says(409, jsonType, `{}`), "reserve", 1},
		"key":              {says(401, jsonType, `{}`), "reserve", 1},
		"page":             {says(404, htmlType, page), "reserve", 1},
		"login":            {says(302, htmlType, ""), "reserve", 1},
		"503":              {says(503, jsonType, `{}`), "reserve", 3},
		"429, come later":  {says(429, jsonType, `{}`, "Retry-After", "30"), "reserve", 1},
		"deduct after 503": {says(503, jsonType, `{}`), "deduct", 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := 0
			s := connect(t, odoo.Config{}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				n++
				tt.answer(w, r)
			}))
			if tt.call == "reserve" {
				require.Error(t, s.Reserve(t.Context(), operation()))
			} else {
				require.Error(t, s.Deduct(t.Context(), operation()))
			}
			assert.Equal(t, tt.want, n)
		})
	}
}

func TestRetryAfterIsPassedOn(t *testing.T) {
	t.Parallel()
	s := connect(t, odoo.Config{}, says(503, jsonType, `{}`, "Retry-After", "30"))
	err := s.Reserve(t.Context(), operation())
	var hint interface{ RetryAfter() time.Duration }
	require.ErrorAs(t, err, &hint)
	assert.Equal(t, 30*time.Second, hint.RetryAfter())
}

// An Odoo that commits and answers too late: the same reference tells.
func TestCommitsButAnswersTooLate(t *testing.T) {
	t.Parallel()
	o := newRemote(t)
	o.afterwork = func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
	s := connect(t, odoo.Config{Timeout: 200 * time.Millisecond}, o)
	op := operation()
	err := s.Reserve(t.Context(), op)
	assert.Equal(t, "unavailable", class(err))
	require.ErrorContains(t, err, "no answer")
	o.set(func(o *remote) {
		assert.Equal(t, aigen.Credits(99_75), o.credit[op.UserID.String()])
		o.afterwork = nil
	})
	require.NoError(t, s.Reserve(t.Context(), op))
	require.NoError(t, s.Refund(t.Context(), op))
	require.NoError(t, s.Refund(t.Context(), op), "a repeat")
	assert.Equal(t, "permanent", class(s.Deduct(t.Context(), op)), "refunded already")
	assert.Equal(t, aigen.Credits(100_00), o.credit[op.UserID.String()])
	assert.Len(t, o.seen(), 5)
}

// The same reference with another amount is a defect that no repeat can mend.
func TestConflict(t *testing.T) {
	t.Parallel()
	s := connect(t, odoo.Config{}, newRemote(t))
	op := operation()
	require.NoError(t, s.Reserve(t.Context(), op))
	op.Amount++
	err := s.Reserve(t.Context(), op)
	assert.Equal(t, "permanent", class(err))
	require.ErrorContains(t, err, "reference_conflict")
	require.NotErrorIs(t, err, aigen.ErrCreditsUnavailable)
}

// A key that is refused stops nothing for good, and the log names the setting, once.
func TestRefusedKey(t *testing.T) {
	t.Parallel()
	log := &lines{}
	s := connect(t, odoo.Config{Log: log.logger()}, says(401, jsonType, `{"error":{"message":"bad key `+testKey+`"}}`))
	for range 3 {
		err := s.Deduct(t.Context(), operation())
		assert.Equal(t, "unavailable", class(err))
		require.ErrorContains(t, err, "ODOO_API_KEY")
		assert.NotContains(t, err.Error(), testKey)
	}
	assert.Equal(t, 1, strings.Count(log.String(), "level=ERROR"))
	assert.Contains(t, log.String(), "ODOO_API_KEY")
	assert.NotContains(t, log.String(), testKey)
}

func TestCallerLeaves(t *testing.T) {
	t.Parallel()
	o := newRemote(t)
	o.gate = make(chan struct{})
	s := connect(t, odoo.Config{}, o)
	ctx, cancel := context.WithCancel(t.Context())
	err := calls(1, func(int) error { return s.Reserve(ctx, operation()) })
	until(t, "the call", func() bool { return len(o.seen()) == 1 })
	cancel()
	assert.Equal(t, "unavailable", class(err()[0]))
	require.ErrorIs(t, err()[0], context.Canceled)
	assert.Equal(t, "closed", s.State().Breaker)
}

func TestBadSettings(t *testing.T) {
	t.Parallel()
	_, err := odoo.New(odoo.Config{BaseURL: "odoo:8069"})
	require.ErrorContains(t, err, "ODOO_SERVICE_URL")
}
