package httpapi

import (
	"context"
	"crypto/rand"
	"net/http"
	"time"

	"github.com/creativeflow/aigen"
)

// requestInfo is what is known of the request at hand. One goroutine works on it.
type requestInfo struct {
	id         string // X-Request-Id
	started    time.Time
	route      string // the pattern of the path, "" while none matched
	user       aigen.ID
	identity   Identity // whose token the route's guard has seen
	generation aigen.ID
	job        aigen.ID
	outcome    string // of a callback
	code       aigen.Code
	err        error
	body       []byte // kept with DetailedLogging only
	replayed   bool
	gone       bool            // the client hung up
	traced     context.Context //nolint:containedctx // with the request's span; nil: none
	stream     bool
	quiet      bool // its line is for debugging
}

type requestInfoKey struct{}

// infoFrom returns the request's call. One outside of a request is as good as none.
func infoFrom(ctx context.Context) *requestInfo {
	if c, ok := ctx.Value(requestInfoKey{}).(*requestInfo); ok {
		return c
	}
	return &requestInfo{}
}

// RequestID returns the id of the request that ctx belongs to, "" outside of one.
// It is for the handler of slog, so that every line of a request bears it.
func RequestID(ctx context.Context) string { return infoFrom(ctx).id }

const maxRequestID = 128

// requestID takes the caller's id if it is sane, else a new one: an id goes into
// headers and logs, where anything but plain characters could forge a line.
func requestID(r *http.Request) string {
	for _, name := range []string{"X-Request-Id", "X-Correlation-Id"} {
		if id := r.Header.Get(name); saneRequestID(id) {
			return id
		}
	}
	return rand.Text()
}

func saneRequestID(id string) bool {
	if id == "" || len(id) > maxRequestID {
		return false
	}
	for i := range len(id) {
		switch c := id[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9',
			c == '.', c == '_', c == ':', c == '-':
		default:
			return false
		}
	}
	return true
}

// generationID reads {id} of the path. What is no UUID does not exist either.
func generationID(r *http.Request) (aigen.ID, error) {
	id, err := aigen.ParseID(r.PathValue("id"))
	if err != nil {
		return aigen.ID{}, newAPIError(aigen.CodeNotFound, noGeneration)
	}
	infoFrom(r.Context()).generation = id
	return id, nil
}
