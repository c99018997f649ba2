package httpapi_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen/internal/httpapi"
)

// TestQueriesAreRead: what a query holds is taken or refused, on every route; nothing of
// it is lost without a word.
func TestQueriesAreRead(t *testing.T) {
	t.Parallel()
	f := withOperations(t)
	for _, rt := range httpapi.Routes() {
		path := strings.ReplaceAll(rt.Path, "{id}", newID().String())
		if !strings.HasPrefix(path, "/api/v1/") {
			continue
		}
		token := "Bearer " + tokenOf(f.user)
		if rt.ForOperators {
			token = "Bearer operator." + f.boss.String()
		}
		for query, location := range map[string]string{"stauts=Failed": "query.stauts", "a=1;b=2": "query", "%zz=1": "query", "a=%": "query"} {
			a := f.call(rt.Method, path+"?"+query, nil, "Authorization", token)
			if rt.Path == callbacks {
				assert.NotContains(t, string(a.body), location, "workflows may add to the address")
				continue
			}
			assert.Equal(t, []string{location}, a.problem(http.StatusUnprocessableEntity, "invalid_input"), rt.Path)
		}
	}
	for _, path := range []string{"/healthz", "/readyz", "/docs", "/openapi.json"} {
		f.call(http.MethodGet, path+"?x=1&y;z", nil).is(http.StatusOK)
	}
}

func TestQueryHints(t *testing.T) {
	t.Parallel()
	f := setup(t)
	message := func(query string) string {
		a := f.call(http.MethodGet, base+"?"+query, nil)
		a.problem(http.StatusUnprocessableEntity, "invalid_input")
		first, _ := a.json()["errors"].([]any)[0].(object)
		return first["message"].(string)
	}
	for query, near := range map[string]string{"stauts=x": "status", "Status=x": "status", "projectid=x": "projectId", "project_id=x": "projectId", "limt=1": "limit"} {
		assert.Contains(t, message(query), "did you mean "+near+"?", query)
	}
	for _, query := range []string{"page=1", "x=1", strings.Repeat("s", 5000) + "=1", "=1", "%00=1"} {
		assert.NotContains(t, message(query), "did you mean", query)
	}
	assert.Contains(t, message("limit=1&limit=2"), "comes 2 times")
	assert.Contains(t, message("limit=1&limit=abc"), "comes 2 times")
}

// FuzzQuery: whatever the query is, it is refused, or all of it counts.
func FuzzQuery(f *testing.F) {
	for _, seed := range []string{"", "limit=1", "limit=1;status=Failed", "stauts=Failed", "a=1&a=2", "%", "limit=%31", "&&", "limit"} {
		f.Add(seed)
	}
	known := []string{"status", "limit"}
	f.Fuzz(func(t *testing.T, query string) {
		r := &http.Request{URL: &url.URL{RawQuery: query}}
		if httpapi.CheckQuery(r, known) != nil {
			return
		}
		values, err := url.ParseQuery(query)
		require.NoError(t, err)
		for name, list := range values {
			require.Contains(t, known, name)
			require.Len(t, list, 1)
		}
	})
}
