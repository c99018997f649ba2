package worker

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	aigen "github.com/creativeflow/aigen-orchestrator"
)

// imageAnswer is the part of a good answer that is used.
type imageAnswer struct {
	Data []struct {
		B64           string `json:"b64_json"`
		URL           string `json:"url"`
		RevisedPrompt string `json:"revised_prompt"`
	} `json:"data"`
}

// parseAnswer reads the picture out of a good answer and checks what it claims to be.
// Errors are *PaintError: retryable where another answer may well be whole.
func parseAnswer(body []byte) (original, error) {
	var a imageAnswer
	if err := json.Unmarshal(body, &a); err != nil {
		// Not the parser's own words: they quote the answer.
		return original{}, garbled(errors.New("the answer is not the JSON that was expected"))
	}
	if len(a.Data) == 0 {
		return original{}, garbled(errors.New("the answer has no picture"))
	}
	d := a.Data[0]
	switch {
	case d.B64 != "":
	case d.URL != "":
		// Whoever answers could make us fetch from inside our own network (SSRF).
		return original{}, unusable(errors.New("the answer has a url, which is never fetched; the server must send b64_json"))
	default:
		return original{}, garbled(errors.New("the answer has neither b64_json nor url"))
	}
	picture, err := decodeBase64(d.B64)
	if err != nil {
		return original{}, garbled(err)
	}
	if _, err := checkPicture(picture); err != nil {
		return original{}, unusable(err)
	}
	return original{picture: picture, revisedPrompt: shortText(d.RevisedPrompt, maxRevisedPrompt)}, nil
}

func garbled(err error) error {
	return &PaintError{
		Code: aigen.CodeGenerationFailed, Retryable: true, Err: err,
		Message: "The image service gave an answer that cannot be used.",
	}
}

// toStandard makes one alphabet of base64's two; line breaks the decoder skips itself.
var toStandard = strings.NewReplacer("-", "+", "_", "/")

// decodeBase64 reads the forms that servers send: standard or URL alphabet, padded or
// not, with line breaks, or as a data URL.
func decodeBase64(s string) ([]byte, error) {
	if strings.HasPrefix(s, "data:") {
		_, data, ok := strings.Cut(s, ";base64,")
		if !ok {
			return nil, errors.New("b64_json is a data URL without base64")
		}
		s = data
	}
	s = strings.TrimRight(strings.TrimSpace(s), "=")
	if strings.ContainsAny(s, "-_") {
		s = toStandard.Replace(s)
	}
	data, err := base64.RawStdEncoding.DecodeString(s)
	if err != nil {
		return nil, fmt.Errorf("b64_json: %w", err)
	}
	return data, nil
}
