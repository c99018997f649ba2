package worker

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// toStandard makes one alphabet of base64's two; line breaks the decoder skips itself.
var toStandard = strings.NewReplacer("-", "+", "_", "/")

// decodeBase64 reads the forms that servers send: standard or URL alphabet, padded or
// not, with line breaks, or as a data URL.
func decodeBase64(s string) ([]byte, error) {
	if hasPrefixFold(s, "data:") {
		kind, data, ok := strings.Cut(s, ",")
		if !ok || !strings.HasSuffix(strings.ToLower(kind), ";base64") {
			return nil, errors.New("a data URL without base64")
		}
		if strings.Contains(data, "%") {
			if plain, err := url.PathUnescape(data); err == nil {
				data = plain
			}
		}
		s = data
	}
	s = strings.TrimRight(strings.TrimSpace(s), "=")
	if strings.ContainsAny(s, "-_") {
		s = toStandard.Replace(s)
	}
	data, err := base64.RawStdEncoding.DecodeString(s)
	if err != nil {
		return nil, fmt.Errorf("base64: %w", err)
	}
	return data, nil
}
