package console_test

import (
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/console"
)

func TestNobodySeesAPageWithoutASession(t *testing.T) {
	t.Parallel()
	f := setup(t)
	id := newID().String()
	for _, p := range f.console.Pages() {
		path := strings.NewReplacer("{id}", id, "{version}", "x", "{name...}", "console.css").Replace(p.Path)
		a := f.do(p.Method, path, url.Values{})
		switch path {
		case "/sign-in", "/sign-out", "/theme", "/static/x/console.css", "/favicon.ico", "/apple-touch-icon.png", "/robots.txt":
			assert.Less(t, a.StatusCode, 500, path)
		case "/live":
			a.is(http.StatusSeeOther)
			f.get(path, "Accept", "text/event-stream").is(http.StatusUnauthorized)
		default:
			to := a.is(http.StatusSeeOther).Header.Get("Location")
			assert.True(t, strings.HasPrefix(to, "/sign-in?"), "%s %s leads to %s", p.Method, path, to)
			part := f.do(p.Method, path, url.Values{}, "HX-Request", "true").is(http.StatusUnauthorized)
			assert.True(t, strings.HasPrefix(part.Header.Get("HX-Redirect"), "/sign-in?"), path)
		}
	}
}

func TestATokenBecomesACookieThatNoScriptSees(t *testing.T) {
	t.Parallel()
	f := setup(t)
	ends := time.Now().Add(time.Hour)
	f.auth.set(func(a *fakeAuth) { a.expires = ends })
	f.get("/generations?status=Failed").leadsTo("/sign-in?next=%2Fgenerations%3Fstatus%3DFailed&why=needed")
	f.get("/sign-in?next=/generations").is(200).has(`name="next" value="/generations"`)

	a := f.do(http.MethodPost, "/sign-in", url.Values{"token": {" Bearer " + tokenOf(f.user) + "\n"}, "next": {"/generations"}}).leadsTo("/generations")
	cookie := a.Cookies()[0]
	assert.Equal(t, "aigen-"+f.URL[strings.LastIndexByte(f.URL, ':')+1:], cookie.Name)
	assert.True(t, cookie.HttpOnly)
	assert.Equal(t, http.SameSiteLaxMode, cookie.SameSite)
	assert.Equal(t, "/", cookie.Path)
	assert.Empty(t, cookie.Domain, "only for this very host")
	assert.InDelta(t, (7*24*time.Hour + time.Hour).Seconds(), cookie.MaxAge, 5, "a week longer than the token: to say that the session has ended")
	f.get("/").is(200).has("Welcome", f.user.String()).has("/sign-out")
	assert.NotContains(t, f.get("/").text, "Welcome", "it is said once")
	f.get("/sign-in?next=/generations").leadsTo("/generations")

	out := f.do(http.MethodPost, "/sign-out", url.Values{}).leadsTo("/sign-in")
	assert.Negative(t, out.Cookies()[0].MaxAge)
	f.get("/").is(http.StatusSeeOther)
}

// Proxies say in several ways, or not at all, that they speak https; the service's own
// public address says it too.
func TestTheCookieIsSecureBehindHTTPS(t *testing.T) {
	t.Parallel()
	silent := setup(t)
	public := setup(t, func(c *console.Config) { c.PublicBase = "https://aigen.example.com/ai" })
	for _, tc := range []struct {
		f       *fixture
		headers []string
		secure  bool
	}{
		{silent, nil, false},
		{silent, []string{"X-Forwarded-Proto", "http"}, false},
		{silent, []string{"X-Forwarded-Proto", "http,https"}, false},
		{silent, []string{"X-Forwarded-Proto", "HTTPS"}, true},
		{silent, []string{"X-Forwarded-Proto", "https, http"}, true},
		{silent, []string{"Forwarded", "for=192.0.2.1;proto=https"}, true},
		{silent, []string{"Forwarded", `for="[2001:db8::1]";Proto="https", for=10.0.0.1;proto=http`}, true},
		{silent, []string{"Forwarded", "for=192.0.2.1;proto=http, for=10.0.0.1;proto=https"}, false},
		{public, nil, true},
		{public, []string{"X-Forwarded-Proto", "http"}, true}, // the second of two proxies says what it hears
	} {
		a := tc.f.do(http.MethodPost, "/sign-in", url.Values{"token": {tokenOf(tc.f.user)}}, tc.headers...).leadsTo("/")
		cookie := a.Cookies()[0]
		assert.Equal(t, tc.secure, cookie.Secure, tc.headers)
		assert.Equal(t, tc.secure, cookie.Name == "__Host-aigen", tc.headers)
	}
}

// A proxy that passes on another Host hides what the browser sees, and over plain http
// browsers say nothing but the Origin: the operator can name it.
func TestFormsComeFromThePublicAddress(t *testing.T) {
	t.Parallel()
	token := func(f *fixture) url.Values { return url.Values{"token": {tokenOf(f.user)}} }
	f := setup(t, func(c *console.Config) { c.PublicBase = "http://aigen.lan:8080" })
	f.do(http.MethodPost, "/sign-in", token(f), "Origin", "http://aigen.lan:8080").leadsTo("/")
	f.do(http.MethodPost, "/theme", url.Values{}, "Origin", "http://aigen.lan:8080").leadsTo("/")
	f.do(http.MethodPost, "/sign-in", token(f), "Origin", "http://aigen.lan").is(http.StatusForbidden)
	f.do(http.MethodPost, "/sign-in", token(f), "Origin", "http://evil.example").is(http.StatusForbidden)
	f.do(http.MethodPost, "/sign-in", token(f), "Origin", "http://aigen.lan", "Sec-Fetch-Site", "same-origin").leadsTo("/")
	g := setup(t)
	g.do(http.MethodPost, "/sign-in", token(g), "Origin", "http://aigen.lan:8080").is(http.StatusForbidden)
}

// Compressed, the length of a page would tell whether a prompt in its address is among
// the person's own (BREACH).
func TestPagesThatShowTheirAddressAreNotCompressed(t *testing.T) {
	t.Parallel()
	f := setup(t)
	f.signIn()
	gzip := func(path string, headers ...string) bool {
		return f.get(path, append(headers, "Accept-Encoding", "gzip")...).Header.Get("Content-Encoding") == "gzip"
	}
	for _, path := range []string{"/?prompt=a+fox", "/generations?status=Failed", "/generations?cursor=x", "/nothing-like-it", "/?x"} {
		assert.False(t, gzip(path), path)
		assert.False(t, gzip(path, "Sec-Fetch-Site", "cross-site"), path)
		assert.False(t, gzip(path, "Sec-Fetch-Site", "none"), path)
	}
	assert.True(t, gzip("/"))
	assert.True(t, gzip("/?prompt=a+fox", "Sec-Fetch-Site", "same-origin"))
}

func TestBehindHTTPSTheCookieIsBoundToTheHost(t *testing.T) {
	t.Parallel()
	f := setup(t)
	a := f.do(http.MethodPost, "/sign-in", url.Values{"token": {tokenOf(f.user)}}, "X-Forwarded-Proto", "https").leadsTo("/")
	cookie := a.Cookies()[0]
	assert.Equal(t, "__Host-aigen", cookie.Name)
	assert.True(t, cookie.Secure)
	f.get("/", "X-Forwarded-Proto", "https", "Cookie", cookie.Name+"="+cookie.Value).is(200)
	f.get("/", "Cookie", cookie.Name+"="+cookie.Value).is(http.StatusSeeOther) // over plain http it does not count
}

func TestABadTokenIsRefusedInWords(t *testing.T) {
	t.Parallel()
	f := setup(t)
	for token, says := range map[string]string{
		"": "Paste a token first.", "nonsense": "The token&#39;s signature is wrong.", "user.": "The token names no user.",
		"user." + aigen.ID{}.String(): "The token names no user.", strings.Repeat("x", 4000): "too long",
	} {
		a := f.do(http.MethodPost, "/sign-in", url.Values{"token": {token}}).is(http.StatusUnprocessableEntity).has(says)
		assert.Empty(t, a.Cookies(), token)
		assert.NotContains(t, a.text, "keys.internal")
	}
	f.auth.set(func(a *fakeAuth) { a.down = true })
	a := f.do(http.MethodPost, "/sign-in", url.Values{"token": {tokenOf(f.user)}}).is(http.StatusServiceUnavailable)
	assert.NotContains(t, a.text, "keys.internal")
}

func TestASessionThatEndedIsSaidToHaveEnded(t *testing.T) {
	t.Parallel()
	f := setup(t)
	f.signIn()
	f.auth.set(func(a *fakeAuth) { a.expired = true })
	a := f.get("/generations").leadsTo("/sign-in?next=%2Fgenerations&why=expired")
	assert.Negative(t, a.Cookies()[0].MaxAge, "the cookie is of no use any more")
	f.get("/sign-in?why=expired").is(200).has("Your session has ended")

	f.auth.set(func(a *fakeAuth) { a.expired, a.down = false, true })
	f.get("/", "Cookie", a.Cookies()[0].Name+"="+tokenOf(f.user)).is(http.StatusServiceUnavailable).has("cannot be checked just now")
}

func TestSigningInLeadsNowhereElse(t *testing.T) {
	t.Parallel()
	f := setup(t)
	for next, want := range map[string]string{
		"/generations?status=Failed": "/generations?status=Failed", "": "/", "//evil.example": "/", "https://evil.example/": "/",
		`/\evil.example`: "/", "javascript:alert(1)": "/", "generations": "/", "/\t/evil.example": "/",
	} {
		f.do(http.MethodPost, "/sign-in", url.Values{"token": {tokenOf(f.user)}, "next": {next}}).leadsTo(want)
		f.do(http.MethodPost, "/theme", url.Values{"theme": {"dark"}, "next": {next}}).leadsTo(want)
	}
}

// Where a request comes from proves nothing: a proxy of this machine comes from loopback
// too, with any Host and without a header of its own, and so does any user of the machine.
func TestTheLocalUserNeedsTheKey(t *testing.T) {
	t.Parallel()
	f := setup(t, local(newID()))
	port := f.URL[strings.LastIndexByte(f.URL, ':'):]
	for _, host := range []string{"127.0.0.1" + port, "localhost" + port, "LOCALHOST", "[::1]" + port, "aigen.example.com"} {
		for _, path := range []string{"/", "/operator", "/operator/system", "/generations"} {
			a := f.get(path, "Host", host).is(http.StatusSeeOther)
			assert.NotContains(t, a.text, "local user")
		}
	}
	f.get("/sign-in").is(200).has("aigen console", "?key=")

	for _, wrong := range []string{"", "x", f.local.Key()[1:], f.local.Key() + "A", strings.ToUpper(f.local.Key())} {
		a := f.get("/?key=" + wrong)
		to := a.is(http.StatusSeeOther).Header.Get("Location")
		assert.True(t, strings.HasPrefix(to, "/sign-in?"), to)
		assert.NotContains(t, to, "?key=")
		assert.Empty(t, a.Cookies())
		f.get(to).is(200).has("not the one of this service")
	}

	a := f.get("/?prompt=a+fox&key=" + f.local.Key()).leadsTo("/?prompt=a+fox")
	assert.Equal(t, "no-referrer", a.Header.Get("Referrer-Policy"), "the key is in the address that the browser leaves")
	assert.Equal(t, "no-store", a.Header.Get("Cache-Control"))
	cookie := a.Cookies()[0]
	assert.True(t, cookie.HttpOnly)
	assert.Equal(t, http.SameSiteLaxMode, cookie.SameSite)
	assert.NotContains(t, cookie.Value, f.local.Key())
	f.get("/").is(200).has("local user", "/operator")

	f.signIn() // a token takes the cookie's place
	f.get("/").is(200).has(f.user.String())
	f.do(http.MethodPost, "/sign-out", url.Values{}).leadsTo("/sign-in")
	f.get("/").is(http.StatusSeeOther)
	f.do(http.MethodPost, "/sign-in", url.Values{"token": {" " + console.LocalAddress(f.URL, f.local) + "\n"}, "next": {"/generations"}}).leadsTo("/generations")
	f.get("/").is(200).has("local user")
}

// A cookie in place of the key is of this installation, ends, and cannot be made longer.
func TestTheLocalCookie(t *testing.T) {
	t.Parallel()
	var now atomic.Int64
	f := setup(t, local(newID()), func(c *console.Config) { c.Now = func() time.Time { return time.Unix(now.Load(), 0) } })
	now.Store(time.Now().Unix())
	f.enter()
	address, err := url.Parse(f.URL)
	require.NoError(t, err)
	value := f.client.Jar.Cookies(address)[0].Value
	name := "aigen-" + address.Port()
	elsewhere := setup(t, func(c *console.Config) {
		c.Local = &console.Local{UserID: newID(), ProjectID: newID(), Secret: []byte("of another")}
	})
	nobody := setup(t)
	for _, other := range []*fixture{elsewhere, nobody} {
		to := other.get("/", "Cookie", "aigen-"+other.URL[strings.LastIndexByte(other.URL, ':')+1:]+"="+value).is(http.StatusSeeOther).Header.Get("Location")
		assert.Contains(t, to, "why=invalid")
	}
	f.client.Jar = nil
	parts := strings.Split(value, ".")
	for _, forged := range []string{"local.", "local.99999999999", "local.99999999999." + parts[2], "local.x." + parts[2], value + "A", "local." + parts[1] + "." + parts[2][1:]} {
		f.get("/", "Cookie", name+"="+forged).is(http.StatusSeeOther)
	}
	f.get("/", "Cookie", name+"="+value).is(200)
	now.Add(31 * 24 * 3600)
	to := f.get("/", "Cookie", name+"="+value).is(http.StatusSeeOther).Header.Get("Location")
	assert.Contains(t, to, "why=expired")
}

// An identity provider that gives tokens without an end writes the year 9999.
func TestATokenThatNeverEndsSignsIn(t *testing.T) {
	t.Parallel()
	f := setup(t)
	for _, ends := range []time.Time{time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC), time.Now().AddDate(300, 0, 0), time.Now().AddDate(2, 0, 0)} {
		f.auth.set(func(a *fakeAuth) { a.expires = ends })
		a := f.do(http.MethodPost, "/sign-in", url.Values{"token": {tokenOf(f.user)}}).leadsTo("/")
		assert.Equal(t, 365*24*3600, a.Cookies()[0].MaxAge, "%s", ends)
		f.get("/").is(200)
	}
}

func TestWithoutLocalLoopbackIsNothingSpecial(t *testing.T) {
	t.Parallel()
	setup(t).get("/").is(http.StatusSeeOther)
}

// A website must not use the local user: neither write, nor read, whatever CORS allows
// for the API.
func TestOtherOriginsCannotUseASession(t *testing.T) {
	t.Parallel()
	f := setup(t, local(newID()))
	f.enter()
	form := f.studio("a fox")
	for name, headers := range map[string][]string{
		"cross-site": {"Sec-Fetch-Site", "cross-site"}, "same-site": {"Sec-Fetch-Site", "same-site"},
		"another origin": {"Origin", "http://evil.example"}, "another port": {"Origin", "http://127.0.0.1:1"}, "no origin": {"Origin", "null"},
	} {
		a := f.do(http.MethodPost, "/generations", form, headers...).is(http.StatusForbidden).has("another site")
		assert.Empty(t, a.Header.Get("Access-Control-Allow-Origin"), name)
		f.do(http.MethodPost, "/sign-in", url.Values{"token": {tokenOf(f.user)}}, headers...).is(http.StatusForbidden)
		f.do(http.MethodPost, "/sign-out", url.Values{}, headers...).is(http.StatusForbidden)
	}
	a := f.get("/", "Origin", "http://evil.example").is(200)
	assert.Empty(t, a.Header.Get("Access-Control-Allow-Origin"), "its answer cannot be read")
	assert.Equal(t, "same-origin", a.Header.Get("Cross-Origin-Resource-Policy"))
	asked := f.do(http.MethodOptions, "/generations", nil, "Origin", "http://evil.example", "Access-Control-Request-Method", "POST")
	assert.Empty(t, asked.Header.Get("Access-Control-Allow-Origin"))
	allowed := f.do(http.MethodOptions, "/api/v1/generations", nil, "Origin", "http://evil.example", "Access-Control-Request-Method", "POST")
	assert.NotEmpty(t, allowed.Header.Get("Access-Control-Allow-Origin"), "the API's CORS is as it was")
	f.do(http.MethodPost, "/generations", form, "Origin", f.URL, "Sec-Fetch-Site", "same-origin").is(http.StatusSeeOther)
}

func TestAPortalMayHandOverAToken(t *testing.T) {
	t.Parallel()
	f := setup(t, func(c *console.Config) { c.Portals = []string{"https://portal.example.com", "*"} })
	token := url.Values{"token": {tokenOf(f.user)}}
	f.do(http.MethodPost, "/sign-in", token, "Origin", "https://evil.example", "Sec-Fetch-Site", "cross-site").is(http.StatusForbidden)
	f.do(http.MethodPost, "/sign-in", token, "Origin", "https://portal.example.com", "Sec-Fetch-Site", "cross-site").leadsTo("/")
	f.do(http.MethodPost, "/sign-out", url.Values{}, "Origin", "https://portal.example.com", "Sec-Fetch-Site", "cross-site").is(http.StatusForbidden)
}

func TestEachFormProvesItsSession(t *testing.T) {
	t.Parallel()
	f := setup(t)
	f.signIn()
	id := f.create("a fox")
	good := f.get("/").secrets().Get("csrf")
	require.NotEqual(t, good, f.get("/").secrets().Get("csrf"), "another spelling on each page")

	other := setup(t)
	other.signIn()
	for name, token := range map[string]string{
		"none": "", "nonsense": "nonsense", "cut": good[:len(good)-4], "of another session": other.get("/").secrets().Get("csrf"),
		"zeros": strings.Repeat("A", len(good)),
	} {
		for _, path := range []string{"/generations", "/generations/" + id.String() + "/cancel", "/generations/" + id.String() + "/select", "/generations/" + id.String() + "/regenerate"} {
			f.do(http.MethodPost, path, url.Values{"csrf": {token}}).is(http.StatusForbidden).has("out of date")
			a := f.do(http.MethodPost, path, url.Values{}, "X-Csrf-Token", token, "HX-Request", "true").is(http.StatusForbidden)
			assert.Equal(t, "#toasts", a.Header.Get("HX-Retarget"), name)
		}
	}
	g, err := f.svc.GetGeneration(t.Context(), f.user, id)
	require.NoError(t, err)
	assert.Equal(t, aigen.StatusProcessingSamples, g.Status, "nothing was done")
	f.do(http.MethodPost, "/generations/"+id.String()+"/cancel", url.Values{}, "X-Csrf-Token", good).leadsTo("/generations/" + id.String())
}

func TestAFormOfAnySizeIsRefusedInTime(t *testing.T) {
	t.Parallel()
	f := setup(t)
	f.signIn()
	form := f.studio(strings.Repeat("🦊", aigen.MaxPromptLength))
	form.Set("style", strings.Repeat("🦊", aigen.MaxStyleLength))
	f.do(http.MethodPost, "/generations", form).is(http.StatusSeeOther) // the longest that is allowed
	form.Set("prompt", strings.Repeat("🦊", 20_000))
	f.do(http.MethodPost, "/generations", form).is(http.StatusBadRequest)
}

// A token is accepted a little longer than it says, but a page that told of its end
// leads to the form, and not back to itself.
func TestASessionThatEndedLeadsToTheForm(t *testing.T) {
	t.Parallel()
	f := setup(t)
	f.signIn()
	f.get("/sign-in?next=/generations").leadsTo("/generations")
	a := f.get("/sign-in?why=expired&next=/generations").is(http.StatusOK).has(`name="token"`, "Your session has ended", `name="next" value="/generations"`)
	assert.NotContains(t, a.text, "data-live", "as a page of nobody")
}
