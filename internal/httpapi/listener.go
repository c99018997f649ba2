package httpapi

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/httpapi/wire"
)

// Listener wraps the listener of a server. What package http answers by itself, because
// a request cannot be read (400, 431) or expects something that there is not (417), comes
// as a problem with an X-Request-Id, like every other answer.
func Listener(l net.Listener) net.Listener { return listener{l} }

type listener struct{ net.Listener }

func (l listener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if tcp, ok := c.(*net.TCPConn); ok && err == nil {
		return conn{tcp}, nil
	}
	return c, err
}

// conn writes problems in place of package http's own answers. What else a TCPConn can do
// (sendfile, half a close) stays.
type conn struct{ *net.TCPConn }

var bareDetails = map[aigen.Code]string{
	wire.CodeUnreadable:        "The request is not HTTP/1.1 as it should be: look at its first line, its Host and its other headers.",
	wire.CodeHeadersTooLarge:   "The headers may have at most 16 KiB.",
	wire.CodeExpectationFailed: "Of Expect only 100-continue is understood.",
}

func (c conn) Write(b []byte) (int, error) {
	status, ok := bareStatus(b)
	if !ok {
		return c.TCPConn.Write(b)
	}
	if _, err := io.WriteString(c.TCPConn, bareProblem(status)); err != nil {
		return 0, err
	}
	return len(b), nil
}

// bareStatus reports whether b is a refusal that the API has not made: all of its answers
// have an X-Request-Id among their first headers.
func bareStatus(b []byte) (status int, ok bool) {
	const begin = "HTTP/1.1 "
	if len(b) < len(begin)+4 || string(b[:len(begin)]) != begin || b[len(begin)] != '4' && b[len(begin)] != '5' {
		return 0, false
	}
	status, err := strconv.Atoi(string(b[len(begin) : len(begin)+3]))
	return status, err == nil && !bytes.Contains(b, []byte("\r\nX-Request-Id: "))
}

func bareProblem(status int) string {
	code := wire.CodeUnreadable
	switch status {
	case http.StatusExpectationFailed:
		code = wire.CodeExpectationFailed
	case http.StatusRequestHeaderFieldsTooLarge:
		code = wire.CodeHeadersTooLarge
	}
	k, _ := wire.ErrorSpecOf(code)
	id := rand.Text()
	p := wire.Problem{Type: wire.ProblemType + string(code), Title: k.Title, Status: status, Detail: bareDetails[code], Code: string(code), RequestID: id}
	body, _ := json.Marshal(p) //nolint:errchkjson // strings and a number: cannot fail
	return fmt.Sprintf("HTTP/1.1 %d %s\r\nContent-Type: application/problem+json\r\nContent-Length: %d\r\nX-Request-Id: %s\r\n"+
		"Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\nDate: %s\r\nConnection: close\r\n\r\n%s",
		status, http.StatusText(status), len(body), id, time.Now().UTC().Format(http.TimeFormat), body)
}
