package httpapi_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/creativeflow/aigen"
)

// FuzzHistory lets the bytes be what users and engines do to a generation, one after the
// other, in any order and from any job there ever was. After each of them the state is
// one that follows from the one before, an end stays one, and the money rule holds.
func FuzzHistory(f *testing.F) {
	for _, seed := range []string{"", "a", "saf", "sAf", "fxa", "rrrx", "sgsgsaf", "sssaffx", "pppsaq", "xs", "saFaf", "uvwsz"} {
		f.Add(seed)
	}
	x := setup(f)
	f.Fuzz(func(t *testing.T, history string) {
		if len(history) > 60 {
			t.Skip("says no more than a shorter one")
		}
		h := &pastOf{fixture: x, t: t, user: newID()}
		h.begin()
		for _, c := range []byte(history) {
			h.do(c)
			h.check()
		}
	})
}

// pastOf is one generation under way.
type pastOf struct {
	*fixture

	t      *testing.T
	user   aigen.ID
	id     string
	jobs   []aigen.ID
	status aigen.Status
}

func (h *pastOf) begin() {
	w := h.send(post(h.t, base, `{`+validProject+`,"inputPrompt":"a fox","inputParameters":{"samples":2}}`))
	if w.Code != http.StatusAccepted {
		h.t.Fatalf("%d %s", w.Code, w.Body)
	}
	h.id = strings.TrimPrefix(w.Header().Get("Location"), base+"/")
	h.check()
}

func (h *pastOf) send(r *http.Request) *httptest.ResponseRecorder {
	r.Header.Set("Authorization", "Bearer "+tokenOf(h.user))
	return h.serve(h.t, r)
}

func (h *pastOf) do(c byte) {
	one := base + "/" + h.id
	job := h.jobs[len(h.jobs)-1]
	if 'A' <= c && c <= 'Z' { // an older one, or nobody's
		job = append(h.jobs, newID())[int(c)%(len(h.jobs)+1)]
	}
	const samples = `"results":{"sampleAssets":[{"assetId":"s1","url":"/a.png"},{"assetId":"s2","url":"/b.png"}]}`
	switch c | 0x20 {
	case 'a':
		h.send(post(h.t, one+"/select-sample", `{"sampleId":"s1"}`))
	case 'b':
		h.send(post(h.t, one+"/select-sample", `{"sampleId":"s2","resolution":"4096x4096"}`))
	case 'g':
		h.send(post(h.t, one+"/regenerate-samples", `{"inputPrompt":"another"}`))
	case 'x':
		h.send(post(h.t, one+"/cancel", ``))
	case 's':
		h.report(job, `"status":"success","stage":"samples_generated",`+samples)
	case 't': // the same job, other pictures
		h.report(job, `"status":"success","stage":"samples_generated","results":{"sampleAssets":[{"assetId":"s9","url":"/z.png"}]}`)
	case 'f':
		h.report(job, `"status":"success","stage":"final_asset_generated","results":{"finalAsset":{"assetId":"f","url":"/f.png"}}`)
	case 'r':
		h.report(job, `"status":"failure","stage":"samples_generated","error":{"code":"busy","message":"Busy.","retryable":true}`)
	case 'u':
		h.report(job, `"status":"failure","stage":"final_asset_generated","error":{"code":"busy","message":"Busy.","retryable":true}`)
	case 'v':
		h.report(job, `"status":"failure","stage":"samples_generated","error":{"code":"dead","message":"No.","retryable":false}`)
	case 'w':
		h.report(job, `"status":"failure","stage":"final_asset_generated","error":{"code":"dead","message":"No.","retryable":false}`)
	case 'q':
		h.report(job, `"status":"success","stage":"content_rejected","error":{"code":"no","message":"No."}`)
	default:
		h.report(job, `"status":"success","stage":"progress","results":{"progress":50}`)
	}
}

func (h *pastOf) report(job aigen.ID, rest string) {
	r := post(h.t, callbacks, `{"generationId":"`+h.id+`","jobId":"`+job.String()+`",`+rest+`}`)
	r.Header.Set("X-N8N-Webhook-Secret", secret)
	h.serve(h.t, r)
}

func (h *pastOf) check() {
	id, err := aigen.ParseID(h.id)
	if err != nil {
		h.t.Fatal(err)
	}
	g, err := h.store.Get(h.t.Context(), id)
	if err != nil {
		h.t.Fatal(err)
	}
	if h.status != "" && h.status.Ended() && h.status != g.Status {
		h.t.Fatalf("%s became %s", h.status, g.Status)
	}
	h.status, h.jobs = g.Status, nil
	live := 0
	for _, r := range g.Runs {
		for _, j := range r.Jobs {
			h.jobs = append(h.jobs, j.ID)
			if j.State == aigen.JobLive {
				live++
			}
		}
		if g.Status.Ended() && !r.Reservation.Ended() {
			h.t.Fatalf("%s, and run %d is %s", g.Status, r.Number, r.Reservation)
		}
	}
	works := g.Status == aigen.StatusProcessingSamples || g.Status == aigen.StatusProcessingFinal
	if (works && live != 1) || (!works && live != 0) {
		h.t.Fatalf("%s with %d live jobs", g.Status, live)
	}
	sum := g.Totals()
	b, err := h.store.Balance(h.t.Context(), h.user)
	if err != nil {
		h.t.Fatal(err)
	}
	if b.Reserved != sum.Held() || b.Balance != 100_00-sum.Deducted || sum.Held() < 0 {
		h.t.Fatalf("the account says %+v, the generation %+v", b, sum)
	}
}
