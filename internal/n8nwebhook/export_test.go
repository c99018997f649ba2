package n8nwebhook

import (
	"net/http"
	"time"

	"github.com/creativeflow/aigen/internal/httpcall"
)

// Judge is for the fuzz target.
func Judge(status int, h http.Header, body, job []byte, now time.Time) error {
	return judge(withoutJob(httpcall.Answer{Status: status, Header: h, Body: body}, job), now, 0)
}
