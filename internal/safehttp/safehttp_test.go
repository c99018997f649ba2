package safehttp_test

import (
	"encoding/base64"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen/internal/safehttp"
)

func client(t *testing.T, allowed ...string) *safehttp.Client {
	t.Helper()
	a, err := safehttp.ParseAllowed(allowed)
	require.NoError(t, err)
	return safehttp.NewClient(safehttp.Config{Allowed: a, MaxBytes: 1000, Timeout: 5 * time.Second})
}

func TestRefusesAddressesInside(t *testing.T) {
	t.Parallel()
	c := client(t)
	for _, address := range []string{
		"http://127.0.0.1/", "http://127.8.9.1:8080/", "http://localhost/", "http://[::1]/", "http://10.0.0.1/", "http://172.16.1.1/",
		"http://192.168.0.1/", "http://169.254.169.254/latest/meta-data/", "http://[fe80::1]/", "http://[fd00:ec2::254]/",
		"http://0.0.0.0/", "http://[::ffff:127.0.0.1]/", "http://100.100.100.200/", "http://2130706433/", "http://[64:ff9b::7f00:1]/",
	} {
		_, err := c.Get(t.Context(), address, "*/*")
		require.Error(t, err, address)
		require.NotContains(t, err.Error(), "127.0", address)
		if !strings.Contains(address, "2130706433") { // a resolver may refuse such a name by itself
			require.ErrorIs(t, err, safehttp.ErrForbidden, address)
		}
	}
	for _, address := range []string{"file:///etc/passwd", "gopher://example.com/", "ftp://example.com/x", "", "http://", "//example.com/x"} {
		_, err := c.Get(t.Context(), address, "*/*")
		require.ErrorIs(t, err, safehttp.ErrAddress, address)
	}
}

// A server that may be asked cannot send us on to one that may not.
func TestRefusesRedirectsInside(t *testing.T) {
	t.Parallel()
	inside := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("it was asked") }))
	defer inside.Close()
	_, port, err := net.SplitHostPort(inside.Listener.Addr().String())
	require.NoError(t, err)
	to := "http://localhost:" + port + "/"
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/scheme" {
			w.Header().Set("Location", "file:///etc/passwd")
			w.WriteHeader(http.StatusFound)
			return
		}
		http.Redirect(w, r, to, http.StatusFound)
	}))
	defer front.Close()
	// The front server alone is allowed; "localhost" resolves to an address that is too, so
	// its name must not be.
	c := client(t, "127.0.0.1/32")
	_, err = c.Get(t.Context(), front.URL+"/scheme", "*/*")
	require.ErrorIs(t, err, safehttp.ErrAddress)
	byName := client(t, "front.test")
	_, err = byName.Get(t.Context(), front.URL, "*/*")
	require.ErrorIs(t, err, safehttp.ErrForbidden)
}

func TestFollowsThreeRedirects(t *testing.T) {
	t.Parallel()
	var s *httptest.Server
	s = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n := len(r.URL.Path) - 1
		if n == 0 {
			_, _ = w.Write([]byte("here"))
			return
		}
		http.Redirect(w, r, s.URL+r.URL.Path[:n], http.StatusFound)
	}))
	defer s.Close()
	c := client(t, "127.0.0.1")
	body, err := c.Get(t.Context(), s.URL+"/xxx", "*/*")
	require.NoError(t, err)
	require.Equal(t, "here", string(body))
	_, err = c.Get(t.Context(), s.URL+"/xxxx", "*/*")
	require.ErrorIs(t, err, safehttp.ErrRedirects)
}

func TestBoundsTheBody(t *testing.T) {
	t.Parallel()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		size := 1000
		if r.URL.Path != "/fits" {
			size++
		}
		if r.URL.Path == "/stream" {
			w.(http.Flusher).Flush() // no Content-Length
		}
		_, _ = w.Write(make([]byte, size))
	}))
	defer s.Close()
	c := client(t, "127.0.0.0/8")
	body, err := c.Get(t.Context(), s.URL+"/fits", "*/*")
	require.NoError(t, err)
	require.Len(t, body, 1000)
	for _, path := range []string{"/length", "/stream"} {
		_, err = c.Get(t.Context(), s.URL+path, "*/*")
		require.ErrorIs(t, err, safehttp.ErrTooLarge)
	}
}

func TestSaysWhatTheServerAnswers(t *testing.T) {
	t.Parallel()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "7")
		w.WriteHeader(http.StatusServiceUnavailable)
	}))
	defer s.Close()
	_, err := client(t, "127.0.0.1").Get(t.Context(), s.URL+"/secret-signature", "*/*")
	var status *safehttp.StatusError
	require.ErrorAs(t, err, &status)
	require.Equal(t, http.StatusServiceUnavailable, status.Status)
	require.Equal(t, 7*time.Second, status.RetryAfter())
	require.NotContains(t, err.Error(), "secret")
}

func TestReadsDataURLs(t *testing.T) {
	t.Parallel()
	c := client(t)
	want := []byte{0, 1, 2, 0xfe, 0xff, '+'}
	for _, address := range []string{
		"data:image/png;base64," + base64.StdEncoding.EncodeToString(want),
		"data:;base64," + base64.RawURLEncoding.EncodeToString(want),
		"data:image/png,%00%01%02%FE%FF+",
	} {
		got, err := c.Get(t.Context(), address, "*/*")
		require.NoError(t, err, address)
		require.Equal(t, want, got, address)
	}
	for _, address := range []string{"data:image/png", "data:;base64,%%%", "data:;base64,a b"} {
		_, err := c.Get(t.Context(), address, "*/*")
		require.ErrorIs(t, err, safehttp.ErrAddress, address)
	}
	_, err := c.Get(t.Context(), "data:;base64,"+strings.Repeat("A", 4000), "*/*")
	require.ErrorIs(t, err, safehttp.ErrTooLarge)
}

func TestParseAllowedNamesTheBadEntry(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{"http://host", "10.0.0.0/64", "a b", "", "*.example.com", "host:80"} {
		_, err := safehttp.ParseAllowed([]string{"fine.example", bad})
		require.ErrorContains(t, err, "\""+bad+"\"")
	}
}
