package console_test

import (
	"bufio"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/app"
	"github.com/creativeflow/aigen/internal/console"
)

func samples(urls ...string) func(*app.ProcessResult) {
	return func(c *app.ProcessResult) {
		c.Report.Kind, c.Report.Stage, c.Report.AIModelUsed = aigen.ReportSamples, aigen.StageSamples, "a model"
		for i, u := range urls {
			c.Report.Samples = append(c.Report.Samples, aigen.Asset{AssetID: "s" + string(rune('1'+i)), URL: u, Width: 288, Height: 512})
		}
	}
}

func path(id aigen.ID) string { return "/generations/" + id.String() }

func cardsOf(id aigen.ID) string { return "/generations/cards?want=" + id.String() }

func TestTheWholeWayWithoutScript(t *testing.T) {
	t.Parallel()
	f := setup(t)
	f.signIn()
	f.get("/").has("100.00", "Make samples", "1080 × 1920", `<span class="price">1.00</span>`)
	id := f.create("a red fox")
	f.get(path(id)).is(200).has("Making 2 samples", "a red fox", `http-equiv="refresh"`, "99.50", "0.50 reserved")
	f.get("/generations").has("Making samples", path(id))

	f.report(id, samples("https://pictures.example/1.png", f.URL+"/assets/2.png"))
	choosing := f.get(path(id)).is(200).has("Choose one", `src="https://pictures.example/1.png"`, `src="/assets/2.png"`, "2 samples ready", "0.50 spent", "2160 × 3840", "2.00 credits", "Make the final")
	assert.NotContains(t, choosing.text, "http-equiv", "nothing changes by itself any more")

	again := choosing.secrets()
	for name, value := range map[string]string{"prompt": "a blue fox", "style": "ink", "format": "InstagramStory", "samples": "1"} {
		again.Set(name, value)
	}
	f.do(http.MethodPost, path(id)+"/regenerate", again).leadsTo(path(id))
	f.get(path(id)).has("Making one sample", "a blue fox", "New samples requested", "Making samples · a blue fox · aigen")
	f.report(id, samples("https://pictures.example/3.png"))

	choose := f.get(path(id)).secrets()
	choose.Set("sample", "s1")
	choose.Set("resolution", "2160x3840")
	f.do(http.MethodPost, path(id)+"/select", choose).leadsTo(path(id))
	f.do(http.MethodPost, path(id)+"/select", choose).leadsTo(path(id)) // sent twice, done once
	f.get(path(id)).has("Making the final", "2160 × 3840", "97.25")
	f.report(id, func(c *app.ProcessResult) {
		c.Report.Kind, c.Report.Stage, c.Report.FinalAssetID = aigen.ReportFinal, aigen.StageFinal, "final"
		c.Report.FinalAsset = &aigen.Asset{AssetID: "final", URL: f.URL + "/assets/final.png", Width: 2160, Height: 3840, Format: "png"}
	})
	f.get(path(id)).has("Completed", `href="/assets/final.png" download="a-blue-fox.png"`, "The final is ready", "/?from="+id.String())
	f.get("/?from="+id.String()).has("a blue fox</textarea>", `value="ink"`, `value="InstagramStory" data-width="1080" data-height="1920" data-name="Instagram story" data-final="1.00" checked`)
}

func TestCancelAsksFirst(t *testing.T) {
	t.Parallel()
	f := setup(t)
	f.signIn()
	id := f.create("a fox")
	ask := f.get(path(id) + "/cancel").is(200).has("Cancel this picture?")
	f.do(http.MethodPost, path(id)+"/cancel", ask.secrets()).leadsTo(path(id))
	f.get(path(id)).has("You cancelled this", "0.50 refunded", "100.00", "Start again")
	again := ask.secrets()
	again.Set("nonce", "another")
	f.do(http.MethodPost, path(id)+"/cancel", again).is(http.StatusConflict).has("not possible any more")
}

func TestTheSameFormTwiceAsksOnce(t *testing.T) {
	t.Parallel()
	f := setup(t)
	f.signIn()
	form := f.studio("a fox")
	first := f.do(http.MethodPost, "/generations", form).is(http.StatusSeeOther).Header.Get("Location")
	f.do(http.MethodPost, "/generations", form).leadsTo(first)
	form.Set("prompt", "a bear") // gone back to, and changed
	second := f.do(http.MethodPost, "/generations", form).is(http.StatusSeeOther).Header.Get("Location")
	assert.NotEqual(t, first, second)
	form.Set("prompt", "a fox")
	part := f.do(http.MethodPost, "/generations", form, "HX-Request", "true").is(http.StatusNoContent)
	assert.Equal(t, first, part.Header.Get("HX-Redirect"))
}

func TestWhatIsWrongIsSaidBesideTheField(t *testing.T) {
	t.Parallel()
	f := setup(t)
	f.signIn()
	form := f.studio(" ")
	form.Set("format", "Custom")
	form.Set("width", "12")
	form.Set("height", "99999")
	form.Set("samples", "9")
	form.Set("project", "mine")
	form.Set("style", "kept as it was typed")
	f.do(http.MethodPost, "/generations", form).is(http.StatusUnprocessableEntity).has(
		"Describe the picture.", "from 64 to 4096", "from 1 to 8 samples", "A project is named by a UUID.", "kept as it was typed", `value="99999"`)
	form = f.studio("x")
	form.Set("format", "Poster")
	f.do(http.MethodPost, "/generations", form).is(http.StatusUnprocessableEntity).has("Choose one of the formats.")
}

func TestTooFewCreditsAreSaidBesideWhatWasTyped(t *testing.T) {
	t.Parallel()
	f := setup(t, func(c *console.Config) { c.Service = &poor{c.Service} })
	f.signIn()
	f.do(http.MethodPost, "/generations", f.studio("a fox that costs too much")).is(http.StatusPaymentRequired).
		has("Not enough credits", "nothing was charged", "a fox that costs too much</textarea>")
}

// poor is a service whose users have nothing.
type poor struct{ console.Service }

func (p *poor) InitiateGeneration(context.Context, app.InitiateGeneration) (app.Accepted, error) {
	return app.Accepted{}, &aigen.Error{Code: aigen.CodeInsufficientCredits, Message: "You do not have enough credits for this."}
}

// Every code that a generation can end with has words of its own, and one that an
// engine made up is told kindly, too.
func TestEveryEndIsExplained(t *testing.T) {
	t.Parallel()
	f := setup(t)
	f.signIn()
	seen := map[string]aigen.Code{}
	for _, code := range []aigen.Code{
		aigen.CodeGenerationFailed, aigen.CodeContentRejected, aigen.CodeTimeout, aigen.CodeDispatchFailed, "gpu_on_fire",
	} {
		id := f.create("a fox")
		f.report(id, func(c *app.ProcessResult) {
			c.Report.Kind, c.Report.Stage = aigen.ReportFailure, aigen.StageSamples
			if code == aigen.CodeContentRejected {
				c.Report.Kind = aigen.ReportRejected
			}
			c.Report.Failure = aigen.Failure{Code: code, Message: "the engine's <b>own</b> words"}
		})
		a := f.get(path(id)).is(200).has("What now?", "Try again")
		assert.NotContains(t, a.text, "<b>own</b>")
		if code == "gpu_on_fire" {
			a.has("the engine&#39;s")
			continue
		}
		title := regexp.MustCompile(`<div><h2[^>]*>([^<]+)</h2>`).FindStringSubmatch(a.text)[1]
		assert.Empty(t, seen[title], "the words of %s are those of another", code)
		seen[title] = code
	}
}

func TestNothingOfAPromptBecomesMarkup(t *testing.T) {
	t.Parallel()
	f := setup(t)
	f.signIn()
	const evil = `"><script>alert(1)</script><img src=x onerror=alert(2)>{{.}}'`
	id := f.create(evil)
	f.report(id, samples("javascript:alert(3)", "data:text/html,<script>alert(4)</script>", `https://x.example/"onerror="alert(5)`, "//evil.example/x.png"))
	for _, page := range []string{"/", "/generations", path(id), path(id) + "/cancel", "/?from=" + id.String(), "/?prompt=" + url.QueryEscape(evil), cardsOf(id), path(id) + "/part"} {
		a := f.get(page).is(200)
		a.has("&lt;script&gt;alert(1)")
		assert.NotContains(t, a.text, "<script>alert", page)
		assert.NotContains(t, a.text, "<img src=x", page)
		assert.NotContains(t, a.text, "javascript:", page)
		assert.NotContains(t, a.text, "data:text", page)
		assert.NotContains(t, a.text, `"onerror="`, page)
		assert.NotContains(t, a.text, "evil.example", page)
	}
	assert.Equal(t, 3, strings.Count(f.get(path(id)).text, "This picture&#39;s address cannot be shown")+strings.Count(f.get(path(id)).text, "This picture's address cannot be shown"))
}

// What belongs to another is not there, in every place.
func TestAnotherUsersCreativeIsNotThere(t *testing.T) {
	t.Parallel()
	f := setup(t)
	f.signIn()
	id := f.create("mine")
	f.user = newID()
	f.signIn()
	csrf := f.get("/").secrets()
	csrf.Set("format", "TikTok")
	csrf.Set("prompt", "yours")
	csrf.Set("samples", "1")
	for _, get := range []string{path(id), path(id) + "/part", path(id) + "/cancel", "/?from=" + id.String(), path(newID()), "/generations/nonsense"} {
		a := f.get(get).is(http.StatusNotFound)
		assert.NotContains(t, a.text, "mine")
	}
	for _, post := range []string{"/select", "/regenerate", "/cancel"} {
		f.do(http.MethodPost, path(id)+post, csrf).is(http.StatusNotFound)
	}
	f.get(cardsOf(id)).is(http.StatusNoContent)
	assert.NotContains(t, f.get("/generations").text, id.String())
	f.get("/generations").has("Your pictures will appear here")
}

func TestThePolicyAllowsNothingInline(t *testing.T) {
	t.Parallel()
	f := setup(t, local(newID()))
	f.enter()
	id := f.create("a fox")
	f.report(id, samples("https://x.example/1.png"))
	inline := regexp.MustCompile(`(?i)<script(?:>| [^>]*>\s*[^<\s])|<style|\sstyle=|\son[a-z]+=|javascript:|hx-on|hx-vals="js`)
	outside := regexp.MustCompile(`(?:src|href|action)="(https?:)?//`)
	for _, page := range []string{"/", "/generations", path(id), path(id) + "/cancel", "/sign-in", "/nothing"} {
		a := f.get(page)
		policy := a.Header.Get("Content-Security-Policy")
		for _, want := range []string{"default-src 'none'", "script-src 'self'", "style-src 'self'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'self'"} {
			assert.Contains(t, policy, want)
		}
		assert.NotContains(t, policy, "unsafe")
		assert.Equal(t, "nosniff", a.Header.Get("X-Content-Type-Options"))
		assert.Equal(t, "no-store", a.Header.Get("Cache-Control"))
		text := strings.ReplaceAll(a.text, `src="https://x.example/1.png"`, "")
		text = strings.ReplaceAll(text, `href="https://x.example/1.png"`, "")
		assert.Empty(t, inline.FindString(text), page)
		assert.Empty(t, outside.FindString(text), page)
	}
}

func TestTheHistoryGoesOn(t *testing.T) {
	t.Parallel()
	f := setup(t)
	f.signIn()
	for range 30 {
		f.create("a fox")
	}
	failed := f.create("a bear")
	f.report(failed, func(c *app.ProcessResult) {
		c.Report.Kind, c.Report.Stage = aigen.ReportFailure, aigen.StageSamples
		c.Report.Failure = aigen.Failure{Code: "no", Message: "No."}
	})
	next := regexp.MustCompile(`hx-get="(/generations\?[^"]+)"`)
	ids := map[string]bool{}
	page, pages := f.get("/generations").is(200), 0
	for {
		pages++
		for _, m := range regexp.MustCompile(`id="card-([^"]+)"`).FindAllStringSubmatch(page.text, -1) {
			assert.False(t, ids[m[1]], "twice")
			ids[m[1]] = true
		}
		to := next.FindStringSubmatch(page.text)
		if to == nil {
			break
		}
		page = f.get(strings.ReplaceAll(to[1], "&amp;", "&"), "HX-Request", "true").is(200)
		assert.NotContains(t, page.text, "<html", "only what comes next")
	}
	assert.Len(t, ids, 31)
	assert.Equal(t, 2, pages)
	only := f.get("/generations?status=Failed").is(200).has("a bear")
	assert.Equal(t, 1, strings.Count(only.text, `id="card-`))
	project := regexp.MustCompile(`<option value="([^"]+)">Project`).FindStringSubmatch(only.text)[1]
	assert.Equal(t, 1, strings.Count(f.get("/generations?project="+project).text, `id="card-`))
	f.get("/generations?status=Cancelled").has("Nothing here with this filter")
	f.get("/generations?cursor=nonsense&status=Failed").leadsTo("/generations?status=Failed")
}

func TestAPartIsSentOnlyWhereItIsNew(t *testing.T) {
	t.Parallel()
	f := setup(t)
	f.signIn()
	id := f.create("a fox")
	have := regexp.MustCompile(`part\?have=(\d+)`).FindStringSubmatch(f.get(path(id)).text)[1]
	f.get(path(id)+"/part?have="+have, "HX-Request", "true").is(http.StatusNoContent)
	f.report(id, samples("https://x.example/1.png"))
	part := f.get(path(id)+"/part?have="+have, "HX-Request", "true").is(200).has("Here is your sample")
	assert.NotContains(t, part.text, "<html")
}

// Events reach a page that is open, and beats tell it that the connection lives.
func TestTheStreamNudges(t *testing.T) {
	t.Parallel()
	f := setup(t)
	f.signIn()
	id := f.create("a fox")
	events := f.listen()
	require.Equal(t, "hello", (<-events).name)
	require.Equal(t, "beat", (<-events).name)
	percent := 40
	_, err := f.svc.ProcessN8NResult(t.Context(), app.ProcessResult{GenerationID: id, Progress: &percent})
	require.NoError(t, err)
	f.report(id, samples("https://x.example/1.png"))
	var changes []map[string]any
	for e := range events {
		if e.name == "change" {
			changes = append(changes, e.data)
		}
		if len(changes) == 2 {
			break
		}
	}
	assert.EqualValues(t, 40, changes[0]["progress"])
	assert.Equal(t, id.String(), changes[1]["id"])
	assert.Equal(t, "AwaitingSelection", changes[1]["status"])
	f.console.Shutdown()
	require.Eventually(t, func() bool { _, open := <-events; return !open }, time.Minute, time.Millisecond, "the stream ends")
	f.get("/live", "Accept", "text/event-stream").is(http.StatusServiceUnavailable)
}

func TestAStreamEndsWithItsSession(t *testing.T) {
	t.Parallel()
	f := setup(t)
	f.signIn()
	// Long enough to open the stream on a machine that is busy, and no longer.
	for life := 100 * time.Millisecond; ; life *= 2 {
		f.auth.set(func(a *fakeAuth) { a.expires = time.Now().Add(life) })
		events, status := f.tryListen()
		if status == http.StatusUnauthorized {
			require.Less(t, life, time.Minute)
			continue
		}
		require.Equal(t, http.StatusOK, status)
		last := ""
		for e := range events {
			last = e.name
		}
		assert.Equal(t, "ended", last)
		return
	}
}

func TestStreamsOfAUserAreCounted(t *testing.T) {
	t.Parallel()
	f := setup(t, func(c *console.Config) { c.StreamsPerUser = 2 })
	f.signIn()
	<-f.listen()
	<-f.listen()
	f.get("/live", "Accept", "text/event-stream").is(http.StatusTooManyRequests)
}

type event struct {
	name string
	data map[string]any
}

// listen opens the stream; the channel is closed when it ends.
func (f *fixture) listen() <-chan event {
	f.t.Helper()
	events, status := f.tryListen()
	require.Equal(f.t, http.StatusOK, status)
	return events
}

func (f *fixture) tryListen() (_ <-chan event, status int) {
	f.t.Helper()
	r, err := http.NewRequestWithContext(f.t.Context(), http.MethodGet, f.URL+"/live", nil)
	require.NoError(f.t, err)
	r.Header.Set("Accept", "text/event-stream")
	resp, err := f.client.Do(r)
	require.NoError(f.t, err)
	events := make(chan event, 1000)
	f.t.Cleanup(func() { _ = resp.Body.Close() })
	go func() {
		defer close(events)
		var e event
		for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
			switch name, value, _ := strings.Cut(lines.Text(), ": "); name {
			case "event":
				e.name = value
			case "data":
				_ = json.Unmarshal([]byte(value), &e.data)
			case "":
				if e.name != "" {
					events <- e
				}
				e = event{}
			}
		}
	}()
	return events, resp.StatusCode
}

// Files may be kept for good, and those of another release are still served.
func TestFilesAreCompressedAndKept(t *testing.T) {
	t.Parallel()
	f := setup(t, local(newID()))
	f.enter()
	page := f.get("/").text
	total := 0
	for _, m := range regexp.MustCompile(`"(/static/[^"#]+)`).FindAllStringSubmatch(page, -1) {
		a := f.get(m[1], "Accept-Encoding", "gzip").is(200)
		assert.Equal(t, "public, max-age=31536000, immutable", a.Header.Get("Cache-Control"), m[1])
		assert.NotEmpty(t, a.Header.Get("Content-Type"))
		total += len(a.text)
	}
	old := f.get("/static/0123456789ab/console.css", "Accept-Encoding", "identity").is(200)
	assert.Equal(t, "no-cache", old.Header.Get("Cache-Control"), "the page of another release still gets its style")
	zipped := f.get("/static/0123456789ab/console.css", "Accept-Encoding", "gzip")
	plain, err := gzip.NewReader(strings.NewReader(zipped.text))
	require.NoError(t, err)
	unzipped, err := io.ReadAll(plain)
	require.NoError(t, err)
	assert.Equal(t, old.text, string(unzipped))
	f.get("/static/0123456789ab/../../console.go").is(http.StatusNotFound)
	f.get("/static/0123456789ab/nothing.css").is(http.StatusNotFound)
}

func TestBrowsersGetPagesAndProgramsGetProblems(t *testing.T) {
	t.Parallel()
	f := setup(t, local(newID()))
	f.enter()
	f.get("/nothing").is(http.StatusNotFound).has("There is no page here", "<html")
	f.get("/nothing", "Accept", "*/*").is(http.StatusNotFound).has(`"code":"route_not_found"`)
	f.get("/api/v1/nothing").is(http.StatusNotFound).has(`"code":"route_not_found"`)
	assert.Equal(t, "/docs", f.get("/", "Accept", "*/*").is(http.StatusFound).Header.Get("Location"))
	f.get("/").is(http.StatusOK).has("What shall we make?")
}

func TestADefectTellsNothingOfItself(t *testing.T) {
	t.Parallel()
	f := setup(t, func(c *console.Config) { c.Service = &broken{c.Service} })
	f.signIn()
	a := f.get("/generations").is(http.StatusInternalServerError).has("Something went wrong here")
	a.has(a.Header.Get("X-Request-Id"))
	assert.NotContains(t, a.text, "db.internal")
}

type broken struct{ console.Service }

func (broken) ListGenerations(context.Context, app.ListQuery) (app.Page, error) {
	return app.Page{}, errors.New("dial db.internal:5432: refused")
}
