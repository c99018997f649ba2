package notification

import (
	"net/http"

	"github.com/creativeflow/aigen/internal/httpcall"
)

// Judge is for the fuzz target.
func Judge(status int, h http.Header, body []byte) error {
	return judge(httpcall.Answer{Status: status, Header: h, Body: body})
}
