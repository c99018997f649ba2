package e2e_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"image"
	"image/png"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen/internal/testprogram"
)

// TestPicturesWithoutAWebServer: an engine has no web server. It hands over the bytes, and
// the user sees the picture after the engine is gone.
func TestPicturesWithoutAWebServer(t *testing.T) {
	t.Parallel()
	jobs := make(chan map[string]any, 10)
	engine := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var job map[string]any
		if json.NewDecoder(r.Body).Decode(&job) == nil {
			jobs <- job
		}
		w.WriteHeader(http.StatusAccepted)
	}))
	defer engine.Close()
	p := testprogram.Start(t, t.TempDir(), map[string]string{"N8N_WEBHOOK_URL": engine.URL, "ASSET_INGEST": "true"})
	user := testprogram.NewUser(t).Token
	var id struct{ GenerationID string }
	ask(t, user, http.MethodPost, p.URL+"/api/v1/generations", `{"projectId":"0197a8e2-3c1f-7d55-8d2b-5f7d5a0e9c11","inputPrompt":"a fox","inputParameters":{"samples":0}}`, http.StatusAccepted, &id)

	job := <-jobs
	require.Equal(t, "final_generation", job["jobType"])
	require.Nil(t, job["selectedSample"], "no samples were asked for")
	var picture bytes.Buffer
	require.NoError(t, png.Encode(&picture, image.NewGray(image.Rect(0, 0, 30, 20))))
	token := job["callback"].(map[string]any)["token"].(string)
	var uploaded struct{ AssetID, URL string }
	for _, status := range []int{http.StatusCreated, http.StatusOK} {
		ask(t, token, http.MethodPost, job["uploads"].(map[string]any)["url"].(string), picture.String(), status, &uploaded)
	}
	ask(t, token, http.MethodPost, p.URL+"/api/v1/uploads/0197a8e2-3c1f-7d55-8d2b-5f7d5a0e9c11", picture.String(), http.StatusForbidden, nil)
	report := fmt.Sprintf(`{"generationId":%q,"jobId":%q,"status":"success","stage":"final_asset_generated","results":{"finalAssetId":%q}}`,
		id.GenerationID, job["jobId"], uploaded.AssetID)
	ask(t, token, http.MethodPost, p.URL+"/api/v1/callbacks/n8n", report, http.StatusOK, nil)
	ask(t, token, http.MethodPost, job["uploads"].(map[string]any)["url"].(string), "another", http.StatusConflict, nil)

	var g struct {
		Status     string
		FinalAsset struct {
			URL    string
			Width  int
			Stored bool
		}
	}
	ask(t, user, http.MethodGet, p.URL+"/api/v1/generations/"+id.GenerationID, "", http.StatusOK, &g)
	require.Equal(t, "Completed", g.Status)
	require.True(t, g.FinalAsset.Stored)
	require.Equal(t, 30, g.FinalAsset.Width)
	require.Equal(t, uploaded.URL, g.FinalAsset.URL)
	resp, err := http.Get(g.FinalAsset.URL)
	require.NoError(t, err)
	defer resp.Body.Close()
	shown, err := png.Decode(resp.Body)
	require.NoError(t, err)
	require.Equal(t, image.Rect(0, 0, 30, 20), shown.Bounds())
}

func ask(t *testing.T, token, method, url, body string, status int, answer any) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, bytes.NewReader([]byte(body)))
	require.NoError(t, err)
	req.Header.Set("Authorization", "Bearer "+token)
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	got, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.Equal(t, status, resp.StatusCode, string(got))
	if answer != nil {
		require.NoError(t, json.Unmarshal(got, answer))
	}
}
