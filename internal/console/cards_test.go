package console_test

import (
	"context"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/app"
	"github.com/creativeflow/aigen/internal/console"
)

var (
	cardID     = regexp.MustCompile(`id="card-([^"]+)" data-live="[^"]+" data-version="(\d+)" data-cursor="([^"]+)"`)
	nextOfList = regexp.MustCompile(`hx-get="(/generations\?[^"]+)"`)
)

// cardIDs are the cards of an answer, in its order.
func (a answer) cardIDs() (ids []string) {
	for _, m := range cardID.FindAllStringSubmatch(a.text, -1) {
		ids = append(ids, m[1])
	}
	return ids
}

func TestOneRequestBringsAListUpToDate(t *testing.T) {
	t.Parallel()
	f := setup(t)
	f.signIn()
	first, second := f.create("a fox"), f.create("a bear")
	list := f.get("/generations").is(http.StatusOK)
	have, since := url.Values{}, ""
	for _, m := range cardID.FindAllStringSubmatch(list.text, -1) {
		have.Add("have", m[1]+"."+m[2])
		if since == "" {
			since = m[3]
		}
	}
	require.Len(t, have["have"], 2)
	have.Set("since", since)
	f.get("/generations/cards?" + have.Encode()).is(http.StatusNoContent) // nothing has changed

	f.report(first, samples("https://x.example/1.png"))
	third := f.create("a wolf")
	a := f.get("/generations/cards?" + have.Encode()).is(http.StatusOK)
	assert.Equal(t, []string{third.String(), first.String()}, a.cardIDs(), "what is new, and what has changed")
	assert.NotContains(t, a.text, "<html")
	assert.NotContains(t, a.text, "Older ones")

	failed := "/generations/cards?status=Failed&"
	f.get(failed + "since=0&want=" + third.String()).is(http.StatusNoContent) // not in this list
	f.report(second, func(c *app.ProcessResult) {
		c.Report.Kind, c.Report.Stage = aigen.ReportFailure, aigen.StageSamples
		c.Report.Failure = aigen.Failure{Code: "no", Message: "No."}
	})
	assert.Equal(t, []string{second.String()}, f.get(failed+"want="+second.String()).is(http.StatusOK).cardIDs())
	assert.Len(t, f.get("/generations/cards?since=0").is(http.StatusOK).cardIDs(), 3, "the list was empty")

	f.get("/generations/cards?want=nonsense&have=" + newID().String() + ".1&since=nonsense").is(http.StatusOK)
	f.get("/generations/cards?" + strings.Repeat("want=x&", 101)).is(http.StatusBadRequest)
}

func TestALongListIsShownToWhereItWasLoaded(t *testing.T) {
	t.Parallel()
	f := setup(t)
	f.signIn()
	for range 60 {
		f.create("a fox")
	}
	page := f.get("/generations")
	assert.Len(t, page.cardIDs(), 24)
	second := f.get(strings.ReplaceAll(nextOfList.FindStringSubmatch(page.text)[1], "&amp;", "&"), "HX-Request", "true")
	all := cardID.FindAllStringSubmatch(second.text, -1)
	again := f.get("/generations?until=" + all[len(all)-1][3])
	assert.Equal(t, append(page.cardIDs(), second.cardIDs()...), again.cardIDs())
	assert.Equal(t, nextOfList.FindStringSubmatch(second.text), nextOfList.FindStringSubmatch(again.text), "and goes on from there")
	assert.Len(t, f.get("/generations?until=nonsense").is(http.StatusOK).cardIDs(), 24)
}

func TestPricesAreThoseOfTheSettings(t *testing.T) {
	t.Parallel()
	f := setup(t, func(c *console.Config) {
		c.Pricing = aigen.Pricing{Sample: 10, Final: 3_00, FinalHighResolution: 7_50}
	})
	f.signIn()
	f.get("/").has(`data-final="3.00" data-final-high="7.50" data-high-above="`+strconv.Itoa(aigen.HighResolutionSide)+`" data-cheapest="0.10"`,
		`data-final-price>3.00<`, "Finals over 2048 px cost 7.50 credits.")
	form := f.studio("a fox")
	for name, value := range map[string]string{"format": "Custom", "width": "4096", "height": "4096", "samples": "9"} {
		form.Set(name, value)
	}
	f.do(http.MethodPost, "/generations", form).is(http.StatusUnprocessableEntity).has(`data-final-price>7.50<`)
	form.Set("samples", "2")
	id, err := aigen.ParseID(strings.TrimPrefix(f.do(http.MethodPost, "/generations", form).is(http.StatusSeeOther).Header.Get("Location"), "/generations/"))
	require.NoError(t, err)
	f.report(id, samples("https://x.example/1.png", "https://x.example/2.png"))
	page := f.get(path(id)).has(`value="4096x4096" data-price="7.50"`, "Make new samples for", "The new samples replace these 2")
	assert.NotContains(t, page.text, `name="sample" value="s1" id="pick-1" data-number="1" required aria-label="Choose sample 1" checked`, "nobody chose yet")
}

func TestARefusedStepIsToldOnItsPage(t *testing.T) {
	t.Parallel()
	refusing := &refusing{}
	f := setup(t, func(c *console.Config) { refusing.Service, c.Service, c.Ledger = c.Service, refusing, true })
	f.signIn()
	id := f.create("a fox")
	f.report(id, samples("https://x.example/1.png", "https://x.example/2.png"))
	form := f.get(path(id)).secrets()
	f.do(http.MethodPost, path(id)+"/select", form).is(http.StatusUnprocessableEntity).has("No sample is chosen", "Choose one")

	form.Set("sample", "s2")
	form.Set("resolution", "2160x3840")
	for _, headers := range [][]string{nil, {"HX-Request", "true"}} {
		a := f.do(http.MethodPost, path(id)+"/select", form, headers...).is(http.StatusPaymentRequired).has(
			"data-trouble", "Not enough credits", "Ask whoever runs this service", `aria-label="Choose sample 2" checked`, `data-size="2160 × 3840" checked`)
		assert.Empty(t, a.Header.Get("HX-Retarget"), "it stays on the page")
	}
	for name, value := range map[string]string{"prompt": "another fox", "format": "InstagramStory", "samples": "2"} {
		form.Set(name, value)
	}
	f.do(http.MethodPost, path(id)+"/regenerate", form).is(http.StatusPaymentRequired).has("data-trouble", "another fox</textarea>", `<details class="anew card" open`)
	f.do(http.MethodPost, path(id)+"/cancel", form).is(http.StatusConflict).has("data-trouble", "not possible any more")
}

// refusing lets nothing be chosen, made anew or cancelled.
type refusing struct{ console.Service }

func (refusing) SelectSample(context.Context, app.SelectSample) (app.Accepted, error) {
	return app.Accepted{}, &aigen.Error{Code: aigen.CodeInsufficientCredits, Message: "Too little."}
}

func (refusing) RegenerateSamples(context.Context, app.RegenerateSamples) (app.Accepted, error) {
	return app.Accepted{}, &aigen.Error{Code: aigen.CodeInsufficientCredits, Message: "Too little."}
}

func (refusing) CancelGeneration(context.Context, app.CancelGeneration) (*aigen.Generation, bool, error) {
	return nil, false, &aigen.Error{Code: aigen.CodeInvalidState, Message: "Too late."}
}

// Who has no credits is told how to get some: an operator where the credits are kept
// here by a command, another by asking.
func TestNoCreditsAreExplained(t *testing.T) {
	t.Parallel()
	user := newID()
	for _, c := range []struct {
		name   string
		ledger bool
		local  bool
		want   string
	}{
		{"the local user", true, true, "aigen credits grant --user " + user.String() + " --amount 100"},
		{"credits kept elsewhere", false, true, "Add some in the service that keeps the credits."},
		{"somebody else", true, false, "Ask whoever runs this service for more credits."},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			f := setup(t, func(cfg *console.Config) {
				cfg.Service, cfg.Ledger = &penniless{cfg.Service}, c.ledger
				if c.local {
					local(user)(cfg)
				}
			})
			if c.local {
				f.enter()
			} else {
				f.signIn()
			}
			a := f.get("/").is(http.StatusOK).has(`data-broke>`, c.want)
			assert.NotContains(t, a.text, `data-broke hidden`)
		})
	}
	f := setup(t, local(newID()))
	f.enter()
	f.get("/").has(`data-broke hidden`)
}

type penniless struct{ console.Service }

func (penniless) GetCredits(context.Context, aigen.ID) (app.Balance, error) {
	return app.Balance{}, nil
}

func TestReplacedSamplesCanStillBeSeen(t *testing.T) {
	t.Parallel()
	f := setup(t)
	f.signIn()
	id := f.create("a fox")
	f.report(id, samples("https://x.example/old-1.png", "javascript:alert(1)"))
	page := f.get(path(id))
	assert.NotContains(t, page.text, "Replaced since")
	again := page.secrets()
	for name, value := range map[string]string{"prompt": "a blue fox", "format": "InstagramStory", "samples": "1"} {
		again.Set(name, value)
	}
	f.do(http.MethodPost, path(id)+"/regenerate", again).leadsTo(path(id))
	f.report(id, samples("https://x.example/new-1.png"))
	page = f.get(path(id)).has("Replaced since", `<a href="https://x.example/old-1.png" target="_blank" rel="noopener noreferrer">sample 1</a>`)
	assert.NotContains(t, page.text, "javascript:")
	assert.Equal(t, 1, strings.Count(page.text, "Replaced since"))
}

func TestLongPromptsAreShortenedAndTheirDirectionIsTheirOwn(t *testing.T) {
	t.Parallel()
	f := setup(t)
	f.signIn()
	short := f.get(path(f.create("a fox"))).has(`<h1 class="prompt" dir="auto"`)
	assert.NotContains(t, short.text, "Whole prompt")
	long := strings.Repeat("many words ", 60)
	f.get(path(f.create(long))).has(`<h1 class="prompt long" dir="auto"`, "Whole prompt")
	f.get(path(f.create("a\nb\nc\nd"))).has("Whole prompt")
	f.get("/").has(`name="prompt" dir="auto"`, `dir="auto" placeholder="Watercolour`, `<span class="prompt" dir="auto">`)
	assert.NotContains(t, f.get("/").text, `aria-describedby="format-error"`, "of something that is not there")
}

func TestFilesThatAreAskedForByName(t *testing.T) {
	t.Parallel()
	f := setup(t)
	for name, kind := range map[string]string{"/favicon.ico": "image/x-icon", "/apple-touch-icon.png": "image/png", "/robots.txt": "text/plain; charset=utf-8"} {
		a := f.get(name, "Accept", "*/*").is(http.StatusOK)
		assert.Equal(t, kind, a.Header.Get("Content-Type"))
		assert.NotEmpty(t, a.text)
	}
	f.get("/robots.txt").has("Disallow: /")
}

func TestTitlesTellOneTabFromAnother(t *testing.T) {
	t.Parallel()
	f := setup(t, local(newID()))
	f.enter()
	id := f.create("a fox")
	for at, title := range map[string]string{
		"/generations": "History", "/generations?status=Failed": "Failed · History",
		"/generations?status=Completed&project=" + id.String(): "Completed · Project " + id.String()[:8] + " · History",
		path(id): "Making samples · a fox",
	} {
		f.get(at).has("<title>" + title + " · aigen</title>")
	}
}
