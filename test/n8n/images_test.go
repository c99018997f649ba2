//go:build n8n

package n8n

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// imageService stands for OpenAI's images API. It is busy at the first request for a
// prompt with "busy" in it, and refuses one with "forbidden".
type imageService struct {
	url string

	mu    sync.Mutex
	asked []string // sizes, in the order of the requests
	busy  map[string]bool
}

const imageKey = "sk-only-for-the-test"

func startImageService(t *testing.T) *imageService {
	t.Helper()
	s := &imageService{busy: map[string]bool{}}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		assert.Equal(t, "POST /v1/images/generations", r.Method+" "+r.URL.Path)
		assert.Equal(t, "Bearer "+imageKey, r.Header.Get("Authorization"))
		var ask struct {
			Model, Prompt, Size string
			N                   int
			ResponseFormat      *string `json:"response_format"`
		}
		if !assert.NoError(t, json.NewDecoder(r.Body).Decode(&ask)) {
			return
		}
		assert.Equal(t, "gpt-image-1", ask.Model)
		assert.Equal(t, 1, ask.N)
		assert.Nil(t, ask.ResponseFormat, "gpt-image-1 refuses it")
		w.Header().Set("Content-Type", "application/json")
		if status, body := s.mood(ask.Prompt); status != http.StatusOK {
			w.WriteHeader(status)
			_, _ = io.WriteString(w, body)
			return
		}
		s.mu.Lock()
		s.asked = append(s.asked, ask.Size)
		n := len(s.asked)
		s.mu.Unlock()
		assert.NoError(t, json.NewEncoder(w).Encode(map[string]any{
			"created": 1, "data": []any{map[string]string{"b64_json": base64.StdEncoding.EncodeToString(paint(t, ask.Size, n))}},
		}))
	}))
	t.Cleanup(server.Close)
	s.url = server.URL + "/v1"
	return s
}

func (s *imageService) mood(prompt string) (int, string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case strings.Contains(prompt, "forbidden"):
		return http.StatusBadRequest, `{"error": {"code": "moderation_blocked", "type": "image_generation_user_error",
			"message": "Your request was rejected by the safety system. Request id 12345."}}`
	case strings.Contains(prompt, "busy") && !s.busy[prompt]:
		s.busy[prompt] = true
		return http.StatusTooManyRequests, `{"error": {"code": "rate_limit_exceeded", "message": "Rate limit reached for organization org-1."}}`
	}
	return http.StatusOK, ""
}

// paint makes a picture that no other request gets.
func paint(t *testing.T, size string, n int) []byte {
	var width, height int
	_, err := fmt.Sscanf(size, "%dx%d", &width, &height)
	require.NoError(t, err)
	img := image.NewRGBA(image.Rect(0, 0, width, height))
	for y := range height {
		for x := range width {
			img.Set(x, y, color.RGBA{uint8(40 * n), uint8(x / 4), uint8(y / 4), 255})
		}
	}
	var out bytes.Buffer
	require.NoError(t, png.Encode(&out, img))
	return out.Bytes()
}

func (s *imageService) sizes() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.asked)
}

// store keeps what is PUT into it, and gives it back. It is enough of an S3, too, for
// n8n's node: that asks for the bucket's location, and signs.
type store struct {
	url string

	mu    sync.Mutex
	files map[string][]byte
}

func startStore(t *testing.T) *store {
	t.Helper()
	s := &store{files: map[string][]byte{}}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		raw, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		if r.URL.Query().Has("location") {
			w.Header().Set("Content-Type", "application/xml")
			_, _ = io.WriteString(w, `<LocationConstraint xmlns="http://s3.amazonaws.com/doc/2006-03-01/">eu-west-1</LocationConstraint>`)
			return
		}
		if r.Method == http.MethodPut {
			assert.Equal(t, "image/png", r.Header.Get("Content-Type"))
			if strings.HasPrefix(r.URL.Path, "/bucket/") {
				assert.Contains(t, r.Header.Get("Authorization"), "AWS4-HMAC-SHA256 Credential=key-of-s3/")
			}
			s.files[r.URL.Path] = raw
			w.WriteHeader(http.StatusCreated)
			return
		}
		w.Header().Set("Content-Type", "image/png")
		_, _ = w.Write(s.files[r.URL.Path])
	}))
	t.Cleanup(server.Close)
	s.url = server.URL
	return s
}

// count is how many files there are under a prefix.
func (s *store) count(prefix string) (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for path := range s.files {
		if strings.HasPrefix(path, prefix) {
			n++
		}
	}
	return n
}

func jsonBody(t *testing.T, v any) io.Reader {
	t.Helper()
	raw, err := json.Marshal(v)
	require.NoError(t, err)
	return bytes.NewReader(raw)
}
