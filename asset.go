package aigen

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// Bounds of an asset's fields, in bytes, and of the number of samples in one report.
const (
	MaxAssetIDLength = 255
	MaxAssetURL      = 4096
	MaxAssetMetadata = 16 << 10
	MaxSamples       = 8
)

// Asset is a picture of a generation. URL is where the engine has it, and is empty where
// Name is set: then the service keeps a copy, and its permanent URL follows from the name
// (contract section 8).
type Asset struct {
	AssetID  string          `json:"assetId"`
	Name     AssetName       `json:"name,omitzero"`
	URL      string          `json:"url,omitempty"`
	Width    int             `json:"width,omitempty"`  // pixels, 0 if the engine did not say
	Height   int             `json:"height,omitempty"` // pixels
	Format   string          `json:"format,omitempty"` // "png", "jpeg" …
	Metadata json.RawMessage `json:"metadata,omitempty"`
}

// Resolution of a final asset, in pixels.
type Resolution struct{ Width, Height int }

// Bounds of each side of a Resolution, in pixels (contract section 1).
const (
	MinSide = 64
	MaxSide = 4096
)

// ParseResolution reads "WxH", each side MinSide to MaxSide.
func ParseResolution(s string) (Resolution, error) {
	w, h, ok := strings.Cut(s, "x")
	if !ok || !isDigits(w) || !isDigits(h) || len(w) > 4 || len(h) > 4 {
		return Resolution{}, fmt.Errorf(`want "WIDTHxHEIGHT" in pixels, such as "1080x1920", each side %d to %d`, MinSide, MaxSide)
	}
	width, _ := strconv.Atoi(w)  // at most four digits: cannot fail
	height, _ := strconv.Atoi(h) // likewise
	if min(width, height) < MinSide || max(width, height) > MaxSide {
		return Resolution{}, fmt.Errorf("each side must be %d to %d pixels", MinSide, MaxSide)
	}
	return Resolution{width, height}, nil
}

// String is the wire form "WxH", "" for the zero value.
func (r Resolution) String() string {
	if r == (Resolution{}) {
		return ""
	}
	return strconv.Itoa(r.Width) + "x" + strconv.Itoa(r.Height)
}

// MarshalText writes the wire form.
func (r Resolution) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// UnmarshalText reads the wire form; "" is the zero value.
func (r *Resolution) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*r = Resolution{}
		return nil
	}
	parsed, err := ParseResolution(string(text))
	if err != nil {
		return err
	}
	*r = parsed
	return nil
}

// Format is what the creative is for. It decides the aspect ratio.
type Format string

// formats maps each format to the resolution it is published in, as the networks
// recommend it; "Custom" is a square unless a resolution is given.
var formats = map[Format]Resolution{
	"InstagramPost": {1080, 1080}, "InstagramStory": {1080, 1920}, "InstagramReel": {1080, 1920},
	"FacebookPost": {1200, 630}, "FacebookAd": {1080, 1080},
	"LinkedInPost": {1200, 627}, "LinkedInArticle": {1920, 1080},
	"TwitterPost": {1600, 900}, "TikTok": {1080, 1920}, "YouTubeThumbnail": {1280, 720},
	"PinterestPin": {1000, 1500}, "Custom": {1024, 1024},
}

// Formats lists the known formats in the order of the contract.
func Formats() []Format {
	return []Format{
		"InstagramPost", "InstagramStory", "InstagramReel", "FacebookPost", "FacebookAd", "LinkedInPost",
		"LinkedInArticle", "TwitterPost", "TikTok", "YouTubeThumbnail", "PinterestPin", "Custom",
	}
}

// Valid reports whether f is known.
func (f Format) Valid() bool { _, ok := formats[f]; return ok }

// Resolution is the size that f is published in; for "" that of "Custom".
func (f Format) Resolution() Resolution {
	if r, ok := formats[f]; ok {
		return r
	}
	return formats["Custom"]
}
