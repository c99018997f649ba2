package httpapi

import (
	"crypto/sha256"
	"net/http"
	"strconv"
	"strings"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/app"
	"github.com/creativeflow/aigen/internal/httpapi/wire"
	"github.com/creativeflow/aigen/internal/jsonscan"
	"github.com/creativeflow/aigen/internal/web"
)

// requestKey reads the Idempotency-Key, and makes the hash that tells whether a
// later request with it is the same one: method, path without spelling, and what
// the body means. body may be empty.
func requestKey(r *http.Request, route string, generation aigen.ID, body []byte) (app.RequestKey, error) {
	values := r.Header.Values("Idempotency-Key")
	if len(values) == 0 {
		return app.RequestKey{}, nil
	}
	if len(values) > 1 || !visible(values[0]) || len(values[0]) > aigen.MaxKeyLength {
		return app.RequestKey{}, wire.Invalid(aigen.FieldError{
			Location: "header.Idempotency-Key",
			Message:  "must be one value of 1 to " + strconv.Itoa(aigen.MaxKeyLength) + " visible ASCII characters",
		})
	}
	if len(body) > 0 {
		var err error
		if body, err = jsonscan.Canonical(body); err != nil {
			return app.RequestKey{}, err
		}
	}
	path := strings.Replace(route, "{id}", generation.String(), 1)
	return app.RequestKey{Key: values[0], Hash: sha256.Sum256(append([]byte(r.Method+" "+path+"\n"), body...))}, nil
}

// visible reports whether s is made of visible ASCII characters.
func visible(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] > '~' {
			return false
		}
	}
	return s != ""
}

// Replayed marks an answer that an earlier request got first.
func replayed(w http.ResponseWriter, r *http.Request, yes bool) {
	if yes {
		web.InfoFrom(r.Context()).Replayed = true
		w.Header().Set("Idempotency-Replayed", "true")
	}
}
