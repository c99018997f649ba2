package testprogram

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"
)

// WaitFor waits until the user has n generations in a status, and returns them.
func (u *User) WaitFor(t *testing.T, base, status string, n int) []Answer {
	var all []Answer
	Eventually(t, fmt.Sprintf("%d generations in %s", n, status), func() bool {
		var err error
		all, err = u.List(base, status)
		require.NoError(t, err)
		return len(all) == n
	})
	return all
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
