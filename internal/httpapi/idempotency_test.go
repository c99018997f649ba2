package httpapi_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestIdempotencyKey(t *testing.T) {
	t.Parallel()
	f := setup(t)
	project := newID().String()
	body := `{"projectId":"` + project + `","inputPrompt":"a fox","inputParameters":{"samples":2,"seed":7}}`
	first := f.call(http.MethodPost, base, body, "Idempotency-Key", "k1").is(http.StatusAccepted)
	assert.Empty(t, first.Header.Get("Idempotency-Replayed"))

	// White space, order, escapes, a slash: the same request.
	again := "{ \"inputParameters\" : {\"seed\":7, \"samples\":2},\n\"inputPrompt\":\"a f\\u006fx\", \"projectId\":\"" + project + "\" }"
	for _, path := range []string{base, base + "/"} {
		a := f.call(http.MethodPost, path, again, "Idempotency-Key", "k1").is(http.StatusAccepted)
		assert.Equal(t, "true", a.Header.Get("Idempotency-Replayed"))
		assert.Equal(t, first.Header.Get("Location"), a.Header.Get("Location"))
		assert.JSONEq(t, string(first.body), string(a.body))
	}
	other := strings.Replace(body, "a fox", "a cat", 1)
	f.call(http.MethodPost, base, other, "Idempotency-Key", "k1").problem(422, "idempotency_key_reused")
	id, _ := first.json()["generationId"].(string)
	f.call(http.MethodPost, base+"/"+id+"/cancel", nil, "Idempotency-Key", "k1").problem(422, "idempotency_key_reused")
	f.call(http.MethodPost, base, body, "Idempotency-Key", "k1", "Authorization", "Bearer "+tokenOf(newID())).is(http.StatusAccepted)
	assert.Equal(t, 1, f.rows())

	for range 2 {
		f.call(http.MethodPost, base+"/"+id+"/cancel", nil, "Idempotency-Key", "k2").is(http.StatusOK)
	}
	id = f.awaiting()
	var answers []string
	for i := range 3 {
		a := f.call(http.MethodPost, base+"/"+strings.ToUpper(id)+"/select-sample", object{"sampleId": "s1"}, "Idempotency-Key", "k3").is(http.StatusAccepted)
		assert.Equal(t, i > 0, a.Header.Get("Idempotency-Replayed") == "true")
		answers = append(answers, string(a.body))
	}
	assert.Equal(t, answers[0], answers[2])
	f.call(http.MethodPost, base+"/"+id+"/regenerate-samples", object{}, "Idempotency-Key", "k3").problem(422, "idempotency_key_reused")
}

func TestBadIdempotencyKey(t *testing.T) {
	t.Parallel()
	f := setup(t)
	for _, key := range []string{strings.Repeat("k", 256), "two words", "schlüssel", "tab\tbed"} {
		where := f.call(http.MethodPost, base, createBody(), "Idempotency-Key", key).problem(422, "invalid_input")
		assert.Equal(t, []string{"header.Idempotency-Key"}, where)
	}
	r := f.request(http.MethodPost, base, createBody())
	r.Header["Idempotency-Key"] = []string{"a", "b"}
	f.do(r).problem(422, "invalid_input")
	r = f.request(http.MethodPost, base, `{}`)
	r.Header["Idempotency-Key"] = []string{""}
	assert.ElementsMatch(t, []string{"header.Idempotency-Key", "body.projectId", "body.inputPrompt"}, f.do(r).problem(422, "invalid_input"))
	assert.Zero(t, f.rows())
	f.call(http.MethodPost, base, createBody(), "Idempotency-Key", strings.Repeat("k", 255)).is(http.StatusAccepted)
}

func TestSameKeyAtOnce(t *testing.T) {
	t.Parallel()
	f := setup(t)
	body := createBody()
	var wg sync.WaitGroup
	locations := make([]string, 20)
	for i := range locations {
		wg.Go(func() {
			locations[i] = f.call(http.MethodPost, base, body, "Idempotency-Key", "one").Header.Get("Location")
		})
	}
	wg.Wait()
	for _, l := range locations {
		assert.Equal(t, locations[0], l)
	}
	require.NotEmpty(t, locations[0])
	assert.Equal(t, 1, f.rows())
}

func TestList(t *testing.T) {
	t.Parallel()
	f := setup(t)
	var want []string
	for range 5 {
		want = append([]string{f.create()}, want...)
	}
	var got []string
	cursor := ""
	for {
		page := f.call(http.MethodGet, base+"?limit=2&cursor="+cursor, nil).is(http.StatusOK).json()
		items, _ := page["items"].([]any)
		for _, item := range items {
			got = append(got, fmt.Sprint(item.(object)["id"]))
		}
		if page["nextCursor"] == nil {
			break
		}
		cursor = fmt.Sprint(page["nextCursor"])
	}
	assert.Equal(t, want, got)

	f.call(http.MethodPost, base+"/"+want[0]+"/cancel", nil).is(http.StatusOK)
	count := func(query string) int {
		items, _ := f.call(http.MethodGet, base+query, nil).is(http.StatusOK).json()["items"].([]any)
		return len(items)
	}
	assert.Equal(t, 1, count("?status=Cancelled"))
	assert.Equal(t, 4, count("?status=ProcessingSamples"))
	assert.Equal(t, 5, count("?status=&projectId=&limit=&cursor="))
	project := fmt.Sprint(f.call(http.MethodGet, base+"/"+want[1], nil).json()["projectId"])
	assert.Equal(t, 1, count("?projectId="+project))
	assert.Zero(t, count("?projectId="+newID().String()))

	where := f.call(http.MethodGet, base+"?limit=101&status=Sleeping&projectId=7", nil).problem(422, "invalid_input")
	assert.ElementsMatch(t, []string{"query.limit", "query.status", "query.projectId"}, where)
	assert.Equal(t, 2, count("?limit=2.0"))
	for _, limit := range []string{"0", "-1", "x", "1.5", "%2B5", "99999999999999999999"} {
		f.call(http.MethodGet, base+"?limit="+limit, nil).problem(422, "invalid_input")
	}
	for _, cursor := range []string{"x", "%00", "AAAA", cursor + "A", "AX________________________________"} {
		f.call(http.MethodGet, base+"?cursor="+cursor, nil).problem(400, "invalid_cursor")
	}
}
