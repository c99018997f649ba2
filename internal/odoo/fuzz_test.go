package odoo

import (
	"encoding/json"
	"math/big"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/app"
	"github.com/creativeflow/aigen/internal/httpcall"
)

// FuzzAnswer: whatever comes back, nothing is done that was not said in JSON, and
// nobody is refused whose refusal was not said in JSON.
func FuzzAnswer(f *testing.F) {
	for _, status := range []int{200, 201, 302, 400, 401, 402, 404, 409, 429, 500} {
		for _, body := range []string{
			"", "<html>", `{}`, `{"can_afford":true,"ok":true}`, `{"can_afford":false,"available":"1.00"}`, `{"ok":false}`,
			`{"error":{"code":"insufficient_credits","message":"No."}}`, `{"error":"conflict"}`,
			`{"jsonrpc":"2.0","result":{"ok":true}}`, `{"jsonrpc":"2.0","error":{"code":200,"data":{"name":"x"}}}`,
			`{"balance":"1.00","reserved":0.5,"available":5e-1}`,
		} {
			f.Add(status, []byte(body))
		}
	}
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		a := httpcall.Answer{Status: status, Header: http.Header{}, Body: body}
		_, isJSON := a.JSON()
		for _, op := range []opName{opReserve, opDeduct, opRefund} {
			v := classify(op, a)
			switch v.class {
			case classDone:
				require.True(t, isJSON && (status == 200 || status == 201))
			case classRefused:
				require.True(t, isJSON && op == opReserve && status < 500)
			case classPermanent:
				require.True(t, isJSON && status < 500)
			case classUnavailable, classAccess:
				require.ErrorIs(t, v.err(op), aigen.ErrCreditsUnavailable)
			}
			if err := v.err(op); err != nil {
				require.Less(t, len(err.Error()), 1000)
			}
		}
		if _, v := classifyBalance(a); v.class == classDone {
			require.True(t, isJSON)
		} else {
			require.True(t, v.failed())
		}
	})
}

// FuzzBatch: each operation gets its own result or none.
func FuzzBatch(f *testing.F) {
	first, second := aigen.ID{1}, aigen.ID{2}
	for _, body := range []string{
		"", "<html>", `{}`, `{"results":[]}`, `{"results":null}`, `{"error":{"code":"conflict"}}`,
		`{"results":[{"reference":"` + first.String() + `","ok":true,"can_afford":true},{"reference":"` + second.String() + `","ok":true}]}`,
		`{"results":[{"reference":"` + second.String() + `","ok":true,"can_afford":true},{"reference":"` + first.String() + `","ok":true}]}`,
		`{"results":[{"reference":"` + first.String() + `","ok":false,"error":{"code":"insufficient_credits"}}]}`,
	} {
		f.Add(200, []byte(body))
		f.Add(404, []byte(body))
	}
	ops := []*operation{
		{name: opReserve, CreditOperation: app.CreditOperation{Reference: first}},
		{name: opDeduct, CreditOperation: app.CreditOperation{Reference: second}},
	}
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		a := httpcall.Answer{Status: status, Header: http.Header{}, Body: body}
		each, whole, _ := classifyBatch(ops, a)
		if each == nil {
			require.NotEqual(t, classRefused, whole.class)
			require.NotEqual(t, classPermanent, whole.class, "one of them may be at fault, and not the others")
			return
		}
		require.Len(t, each, len(ops))
		require.Equal(t, 200, status)
		var said struct {
			Results []json.RawMessage `json:"results"`
			Result  struct {
				Results []json.RawMessage `json:"results"`
			} `json:"result"`
		}
		_ = json.Unmarshal(body, &said)
		for i, v := range each {
			if !v.failed() {
				require.Greater(t, max(len(said.Results), len(said.Result.Results)), i)
			}
		}
		require.NotEqual(t, classRefused, each[1].class, "a deduction")
	})
}

// FuzzAmount: an amount is exactly what the digits say, by rational numbers.
func FuzzAmount(f *testing.F) {
	for _, s := range []string{`"12.34"`, `12.5`, `1e3`, `125e-1`, `-0`, `NaN`, `"NaN"`, `0.30000000000000004`, `1e-64`, `"1.50E+1"`, `null`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		got, err := parseAmount(raw)
		if err != nil {
			require.ErrorIs(t, err, errAmount)
			return
		}
		text := string(raw)
		_ = json.Unmarshal(raw, &text)
		want, ok := new(big.Rat).SetString(text)
		require.True(t, ok, text)
		assert.Zero(t, want.Cmp(big.NewRat(int64(got), 100)), "%s is not %s", text, got)
	})
}
