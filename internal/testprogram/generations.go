package testprogram

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// WaitFor waits until the user has n generations in a status, and returns them. It
// waits for as long as they become more: how many a machine gets done in a minute, with
// other tests beside this one, is not what is asked.
func (u *User) WaitFor(t *testing.T, base, status string, n int) []Answer {
	const patience, pause = time.Minute, 200 * time.Millisecond // a look reads them all, and many look
	var seen int
	for since := time.Now(); ; time.Sleep(pause) {
		all, err := u.List(base, status)
		require.NoError(t, err)
		switch {
		case len(all) == n:
			return all
		case len(all) != seen:
			seen, since = len(all), time.Now()
		case time.Since(since) > patience:
			require.FailNow(t, fmt.Sprintf("of %d generations %d are in %s, the same for a minute", n, seen, status))
		}
	}
}

// List follows the cursor to the end.
func (u *User) List(base, status string) ([]Answer, error) {
	var all []Answer
	cursor := ""
	for {
		q := url.Values{"status": {status}, "limit": {"100"}}
		if cursor != "" {
			q.Set("cursor", cursor)
		}
		a, err := u.Call(http.MethodGet, base+"/api/v1/generations?"+q.Encode(), "", nil)
		if err != nil {
			return nil, err
		}
		var page struct {
			Items      []Answer
			NextCursor *string
		}
		if err := json.Unmarshal(a.Raw, &page); err != nil {
			return nil, err
		}
		all = append(all, page.Items...)
		if page.NextCursor == nil || *page.NextCursor == "" {
			return all, nil
		}
		cursor = *page.NextCursor
	}
}

// Until waits until a generation is in a status; a failure on the way is one of the test.
func (u *User) Until(t *testing.T, url, id, status string) {
	t.Helper()
	Eventually(t, status, func() bool {
		a, err := u.Get(url, id)
		require.NoError(t, err)
		require.NotContains(t, []string{"Failed", "ContentRejected"}, a.Status, "%s", a.Raw)
		return a.Status == status
	})
}

// Picture downloads what an asset points to.
func Picture(t *testing.T, url string) []byte {
	t.Helper()
	res, err := http.Get(url)
	require.NoError(t, err)
	defer res.Body.Close()
	require.Equal(t, http.StatusOK, res.StatusCode)
	b, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	return b
}
