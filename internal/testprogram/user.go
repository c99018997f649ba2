package testprogram

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen/internal/auth"
)

// User is a person with a token.
type User struct {
	ID     uuid.UUID
	Token  string
	Client *http.Client
}

// NewUser is somebody whom the service has not seen yet.
func NewUser(t *testing.T) *User {
	t.Helper()
	id := uuid.New()
	token, err := auth.Mint([]byte(JWTSecret), auth.Claims{
		UserID: id, IssuedAt: time.Now(), ExpiresAt: time.Now().Add(6 * time.Hour),
	})
	require.NoError(t, err)
	return &User{ID: id, Token: token, Client: &http.Client{Timeout: 30 * time.Second}}
}

// Answer is the part of every JSON answer that tests look at.
type Answer struct {
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
	Raw       []byte
}

// Call makes one request. An error means that there was no whole answer.
func (u *User) Call(method, url, key string, body any) (Answer, error) {
	var in io.Reader
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			return Answer{}, err
		}
		in = bytes.NewReader(b)
	}
	req, err := http.NewRequest(method, url, in)
	if err != nil {
		return Answer{}, err
	}
	req.Header.Set("Authorization", "Bearer "+u.Token)
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if key != "" {
		req.Header.Set("Idempotency-Key", key)
	}
	res, err := u.Client.Do(req)
	if err != nil {
		return Answer{}, err
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		return Answer{}, err
	}
	a := Answer{HTTP: res.StatusCode, Raw: raw}
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

// CreateBody asks for two small samples.
func CreateBody(prompt string) map[string]any {
	return map[string]any{
		"projectId": "11111111-1111-4111-8111-111111111111", "inputPrompt": prompt,
		"inputParameters": map[string]any{"format": "Custom", "resolution": "128x128", "samples": 2},
	}
}

// Create asks for a generation with two samples.
func (u *User) Create(url, key, prompt string) (Answer, error) {
	return u.Call(http.MethodPost, url+"/api/v1/generations", key, CreateBody(prompt))
}

// Get reads a generation.
func (u *User) Get(url, id string) (Answer, error) {
	return u.Call(http.MethodGet, url+"/api/v1/generations/"+id, "", nil)
}

// Post calls a verb of a generation.
func (u *User) Post(url, id, verb, key string, body any) (Answer, error) {
	return u.Call(http.MethodPost, url+"/api/v1/generations/"+id+"/"+verb, key, body)
}
