package httpapi

import (
	"context"
	"net/http"
	"strconv"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/app"
	"github.com/creativeflow/aigen/internal/httpapi/wire"
)

// limit counts a request of the user and refuses it if there were too many. Every
// call that bears a user's token counts as one, whatever comes of it; so does an
// event stream, however long it lasts. What bears none (callbacks, /healthz, the
// documents) does not count: there is nobody to count it for.
func (a *API) limit(ctx context.Context, h http.Header, user aigen.ID) error {
	if a.c.Limiter == nil {
		return nil
	}
	d := a.c.Limiter.Allow(ctx, user)
	rateHeaders(h, d)
	if d.OK {
		return nil
	}
	wait := wire.Seconds(d.Reset)
	return &wire.Error{
		Code: aigen.CodeRateLimited, Detail: "You asked too often. Wait " + wait + " s.",
		Headers: http.Header{"Retry-After": {wait}},
	}
}

// rateHeaders tells the user where they stand. t is the "effective window": until it
// ends, no more than r requests are let through. Section 6 of the draft wants
// Retry-After not to be earlier; here it is the same moment.
func rateHeaders(h http.Header, d app.RateDecision) {
	h[wire.RatePolicyHeader] = []string{`"default";q=` + strconv.Itoa(d.Rate.Requests) + ";w=" + wire.Seconds(d.Rate.Per)}
	h[wire.RateHeader] = []string{`"default";r=` + strconv.Itoa(d.Remaining) + ";t=" + wire.Seconds(d.Reset)}
}
