package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/creativeflow/aigen-orchestrator/internal/auth"
	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
)

// user is a person with a token.
type user struct {
	id     uuid.UUID
	token  string
	client *http.Client
}

func newUser(t *testing.T) *user {
	t.Helper()
	id := uuid.New()
	token, err := auth.Mint([]byte(testSecret), auth.Claims{
		UserID: id, IssuedAt: time.Now(), ExpiresAt: time.Now().Add(6 * time.Hour),
	})
	require.NoError(t, err)
	return &user{id: id, token: token, client: &http.Client{Timeout: 10 * time.Second}}
}

// answer is the part of every JSON answer that tests look at.
type answer struct {
	HTTP         int    `json:"-"`
	GenerationID string `json:"generationId"`
	ID           string `json:"id"`
	Status       string `json:"status"`
	Code         string `json:"code"`
	SampleAssets []struct {
		AssetID string `json:"assetId"`
		URL     string `json:"url"`
	} `json:"sampleAssets"`
	FinalAsset *struct {
		URL string `json:"url"`
	} `json:"finalAsset"`
	Credits   struct{ Reserved, Deducted, Refunded string }
	Balance   string `json:"balance"`
	Reserved  string `json:"reserved"`
	Available string `json:"available"`
	raw       []byte
}

// call makes one request. An error means that there was no whole answer.
func (u *user) call(method, url, key string, body any) (answer, error) {
	var in io.Reader
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			return answer{}, err
		}
		in = bytes.NewReader(b)
	}
	req, err := http.NewRequest(method, url, in)
	if err != nil {
		return answer{}, err
	}
	req.Header.Set("Authorization", "Bearer "+u.token)
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if key != "" {
		req.Header.Set("Idempotency-Key", key)
	}
	res, err := u.client.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		return answer{}, err
	}
	a := answer{HTTP: res.StatusCode, raw: raw}
	if res.StatusCode == http.StatusOK || res.StatusCode == http.StatusAccepted {
		if err := json.Unmarshal(raw, &a); err != nil {
			return a, err
		}
		return a, nil
	}
	var problem struct{ Code string }
	if err := json.Unmarshal(raw, &problem); err != nil {
		return a, fmt.Errorf("%d is no problem document: %q", res.StatusCode, raw)
	}
	a.Code = problem.Code
	return a, nil
}

func createBody(prompt string) map[string]any {
	return map[string]any{
		"projectId": "11111111-1111-4111-8111-111111111111", "inputPrompt": prompt,
		"inputParameters": map[string]any{"format": "Custom", "resolution": "128x128", "samples": 2},
	}
}

func (u *user) create(url, key, prompt string) (answer, error) {
	return u.call(http.MethodPost, url+"/api/v1/generations", key, createBody(prompt))
}

func (u *user) get(url, id string) (answer, error) {
	return u.call(http.MethodGet, url+"/api/v1/generations/"+id, "", nil)
}

func (u *user) post(url, id, verb, key string, body any) (answer, error) {
	return u.call(http.MethodPost, url+"/api/v1/generations/"+id+"/"+verb, key, body)
}
