package client_test

import (
	"errors"
	"io"
	"net/http"
	"testing"

	"github.com/google/uuid"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/client"
)

// answering is a transport with one answer.
type answering struct {
	status int
	header http.Header
	body   []byte
}

func (a *answering) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{
		StatusCode: a.status, Status: http.StatusText(a.status), Header: a.header, Request: r, ContentLength: -1,
		Body: io.NopCloser(&reader{a.body}), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
	}, nil
}

type reader struct{ left []byte }

func (r *reader) Read(p []byte) (int, error) {
	if len(r.left) == 0 {
		return 0, io.EOF
	}
	n := copy(p, r.left)
	r.left = r.left[n:]
	return n, nil
}

// FuzzAnswerOfTheService: a server of any answers gives a command a generation or an
// error that says something, and never a panic.
func FuzzAnswerOfTheService(f *testing.F) {
	for _, status := range []int{200, 201, 302, 400, 402, 404, 422, 500} {
		for _, body := range []string{"", "{}", "null", `{"id":"x"}`, `{"status":402,"code":"insufficient_credits","title":"t","errors":[{"location":"a"}]}`, "<html>", `{"status":"Completed","finalAsset":{}}`} {
			f.Add(status, "application/problem+json", "5", []byte(body))
			f.Add(status, "application/json", "", []byte(body))
		}
	}
	f.Fuzz(func(t *testing.T, status int, media, after string, body []byte) {
		if status < 200 || status > 599 {
			t.Skip("no status that package http hands out")
		}
		c, err := client.New(client.Config{
			BaseURL: "http://127.0.0.1:1", Token: client.Static("t"), Attempts: 1,
			HTTPClient: &http.Client{Transport: &answering{status, http.Header{"Content-Type": {media}, "Retry-After": {after}}, body}},
		})
		if err != nil {
			t.Fatal(err)
		}
		_, err = c.Get(t.Context(), aigen.ID(uuid.New()))
		var p *client.Problem
		if errors.As(err, &p) && (p.Error() == "" || p.RetryAfter < 0) {
			t.Fatalf("%+v", p)
		}
	})
}
