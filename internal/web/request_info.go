package web

import (
	"context"
	"crypto/rand"
	"net/http"
	"time"

	"github.com/creativeflow/aigen"
)

// RequestInfo is what is known of the request at hand. One goroutine works on it.
type RequestInfo struct {
	ID         string // X-Request-Id
	Started    time.Time
	Route      string   // the pattern of the path, "" while none matched
	User       aigen.ID // as the log line names them
	Identity   Identity // whose token the route's guard has seen
	Generation aigen.ID
	Job        aigen.ID
	Outcome    string // of a callback
	Code       aigen.Code
	Err        error
	Body       []byte // kept with DetailedLogging only
	Replayed   bool
	Gone       bool            // the client hung up
	Traced     context.Context //nolint:containedctx // with the request's span; nil: none
	Quiet      bool            // its line is for debugging
}

type infoKey struct{}

// WithInfo returns a context that knows info.
func WithInfo(ctx context.Context, info *RequestInfo) context.Context {
	return context.WithValue(ctx, infoKey{}, info)
}

// InfoFrom returns what is known of the request that ctx belongs to. Outside of a
// request, what is written to it is lost.
func InfoFrom(ctx context.Context) *RequestInfo {
	if c, ok := ctx.Value(infoKey{}).(*RequestInfo); ok {
		return c
	}
	return &RequestInfo{}
}

// RequestID returns the id of the request that ctx belongs to, "" outside of one.
// It is for the handler of slog, which adds it to every line of a request.
func RequestID(ctx context.Context) string { return InfoFrom(ctx).ID }

const maxRequestID = 128

// NewRequestID takes the caller's id if it is sane, else a new one: an id goes into
// headers and logs, where anything but plain characters could forge a line.
func NewRequestID(r *http.Request) string {
	for _, name := range []string{"X-Request-Id", "X-Correlation-Id"} {
		if id := r.Header.Get(name); SaneRequestID(id) {
			return id
		}
	}
	return rand.Text()
}

// SaneRequestID reports whether an id may stand in a header and in the log.
func SaneRequestID(id string) bool {
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

// IdentityOf returns who the request comes from. The guard of its route has made sure
// that there is somebody.
func IdentityOf(ctx context.Context) Identity { return InfoFrom(ctx).Identity }
