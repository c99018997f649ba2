package worker

import (
	"encoding/base64"
	"errors"
	"net/http"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/picture"
)

// FuzzImageAnswer gives the parsers of answers whatever bytes: no panic, and what is
// taken keeps the bounds.
func FuzzImageAnswer(f *testing.F) {
	for _, seed := range []string{
		`{"data":[{"b64_json":"iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNoAAAAggCBd81ytgAAAABJRU5ErkJggg==","revised_prompt":"x"}]}`,
		`{"data":[{"b64_json":"data:image/webp;base64,UklGRhoAAABXRUJQVlA4TA0AAAAvAAAAEAcQERGIiP4HAA=="}]}`,
		`{"data":[{"b64_json":"/9j/4AAQSkZJRgABAQAAAQABAAD/"}]}`, `{"data":[{"url":"http://x"}]}`, `{"data":[null]}`, `[]`,
		`{"error":{"code":"moderation_blocked","type":7,"message":"\u0000"}}`, `{"error":"x"}`, `{"error":null}`, "",
		"event: image_generation.completed\ndata: {\"type\":\"image_generation.completed\",\"b64_json\":\"/9j/4AAQ\"}\n\n",
		`{"images":["/9j/4AAQ"]}`, `{"detail":[{"loc":["body","n"],"msg":"{\"error\":\"x\"}"}]}`, "\xff\xd8\xff\xe1\x00\x10Exif\x00\x00MM\x00*\x00\x00\x00\x08",
	} {
		f.Add(http.StatusOK, []byte(seed))
		f.Add(http.StatusBadRequest, []byte(seed))
	}
	p := NewImageAPI(ImageAPIConfig{Key: "key", Detailed: true})
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		var e *PaintError
		err := p.refused(http.Header{}, parseFault(status, body), "")
		require.ErrorAs(t, err, &e)
		require.NotEmpty(t, e.Message)
		require.True(t, utf8.ValidString(e.Error()))
		require.Equal(t, e.Rejected, e.Code == aigen.CodeContentRejected)
		require.False(t, e.Rejected && e.Retryable)

		var none fault
		_, _ = faultWithin(status, map[string]any{"data": string(body)})
		_ = none.listedSizes("", string(body))
		picture.Orientation(body)
		picture.Still(body)
		a, err := parseAnswer("", body)
		if err != nil {
			return
		}
		for i := range a.pictures {
			a.pictures[i].url = "" // nothing is fetched from here
		}
		o, err := p.choose(t.Context(), a)
		if err != nil {
			return
		}
		require.True(t, utf8.ValidString(o.revisedPrompt))
		require.LessOrEqual(t, utf8.RuneCountInString(o.revisedPrompt), maxRevisedPrompt)
		info, err := checkPicture(o.picture)
		require.NoError(t, err)
		require.NotEmpty(t, info.Format)
		m, err := o.metadata()
		require.NoError(t, err)
		require.LessOrEqual(t, len(m), aigen.MaxAssetMetadata)
	})
}

// FuzzBase64 compares with the standard library on what that can read.
func FuzzBase64(f *testing.F) {
	f.Add([]byte("picture"))
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, e := range []*base64.Encoding{base64.StdEncoding, base64.RawStdEncoding, base64.URLEncoding, base64.RawURLEncoding} {
			got, err := decodeBase64(e.EncodeToString(data))
			require.NoError(t, err)
			require.Equal(t, string(data), string(got))
		}
		_, err := decodeBase64("data:" + string(data))
		var inputError base64.CorruptInputError
		_ = errors.As(err, &inputError) // any error will do: it must not panic
	})
}
