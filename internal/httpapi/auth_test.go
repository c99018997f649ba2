package httpapi_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
)

// userRoutes are all routes that need a token; {id} is filled in.
func userRoutes(id string) map[string][]string {
	one := base + "/" + id
	return map[string][]string{
		http.MethodGet:  {base, one, one + "/events", "/api/v1/events", "/api/v1/credits"},
		http.MethodPost: {base, one + "/select-sample", one + "/regenerate-samples", one + "/cancel"},
	}
}

func TestTokens(t *testing.T) {
	t.Parallel()
	f := setup(t)
	id := f.create()
	for method, paths := range userRoutes(id) {
		for _, path := range paths {
			for _, none := range []string{"", "Basic dXNlcjpwYXNz", "Bearerx y"} {
				a := f.call(method, path, createBody(), "Authorization", none)
				a.problem(http.StatusUnauthorized, "missing_token")
				assert.Equal(t, `Bearer realm="aigen"`, a.Header.Get("WWW-Authenticate"))
			}
			for _, bad := range []string{"Bearer", "Bearer ", "Bearer forged", "bearer user.not-a-uuid", "Bearer user.00000000-0000-0000-0000-000000000000"} {
				a := f.call(method, path, createBody(), "Authorization", bad)
				a.problem(http.StatusUnauthorized, "invalid_token")
				assert.Contains(t, a.Header.Get("WWW-Authenticate"), `error="invalid_token"`)
				assert.NotContains(t, string(a.body), "keys.internal", "a host name is shown")
			}
		}
	}
	r := f.request(http.MethodGet, base, nil)
	r.Header.Add("Authorization", "Bearer "+tokenOf(newID()))
	f.do(r).problem(http.StatusUnauthorized, "invalid_token")
	assert.Equal(t, 1, f.rows())
}

func TestAuthUnavailable(t *testing.T) {
	t.Parallel()
	f := setup(t)
	f.auth.down = true
	a := f.call(http.MethodGet, base, nil)
	a.problem(http.StatusServiceUnavailable, "auth_unavailable")
	assert.NotEmpty(t, a.Header.Get("Retry-After"))
	assert.NotContains(t, string(a.body), "keys.internal")
	assert.Contains(t, f.log.String(), "keys.internal", "the operator needs to know")
}

func TestAnotherUsersGenerationDoesNotExist(t *testing.T) {
	t.Parallel()
	f := setup(t)
	id, other := f.awaiting(), "Bearer "+tokenOf(newID())
	bodies := map[string]any{"/select-sample": object{"sampleId": "s1"}, "/regenerate-samples": object{}, "/cancel": nil}
	for method, paths := range userRoutes(id) {
		for _, path := range paths[1:] {
			if path == "/api/v1/events" || path == "/api/v1/credits" {
				continue
			}
			body := bodies[path[len(base)+1+len(id):]]
			theirs := f.call(method, path, body, "Authorization", other)
			theirs.problem(http.StatusNotFound, "not_found")
			// Not even by its answer can it be told from one that does not exist.
			nobodys := f.call(method, base+"/"+newID().String()+path[len(base)+1+len(id):], body, "Authorization", other)
			nobodys.problem(http.StatusNotFound, "not_found")
			assert.Equal(t, theirs.json()["detail"], nobodys.json()["detail"])
		}
	}
	list := f.call(http.MethodGet, base, nil, "Authorization", other).is(http.StatusOK).json()
	assert.Equal(t, object{"items": []any{}, "nextCursor": nil}, list)
	assert.Equal(t, "AwaitingSelection", f.call(http.MethodGet, base+"/"+id, nil).json()["status"])
	for _, odd := range []string{"x", "%00", "1", id + "%0d%0aX: y", "{id}"} {
		f.call(http.MethodGet, base+"/"+odd, nil).problem(http.StatusNotFound, "not_found")
	}
}
