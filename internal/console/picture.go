package console

import (
	"net/url"
	"strings"

	"github.com/creativeflow/aigen"
)

// picture is an asset as it is shown.
type picture struct {
	ID            string
	URL           string // "" if it is not one that a page may show
	Width, Height int
	Ratio         string // class of its shape
	Number        int    // among the samples, from 1
	Selected      bool
	Own           bool // served by us, so that a link can save it under a name
	Format        string
}

// pictureOf shows an asset. Its URL comes from an engine: only http and https are
// followed. One of our own is shown by its path, since the person may have reached us
// by another name than the one that pictures are given.
func (k *Console) pictureOf(a aigen.Asset, fallback aigen.Resolution) picture {
	if k.c.Show != nil {
		a = k.c.Show(a)
	}
	p := picture{ID: a.AssetID, Width: a.Width, Height: a.Height, Format: a.Format}
	if p.Width <= 0 || p.Height <= 0 {
		p.Width, p.Height = fallback.Width, fallback.Height
	}
	p.Ratio = ratioClass(p.Width, p.Height)
	p.URL, p.Own = showable(a.URL, k.c.AssetBase())
	return p
}

const assetsPath = "/assets/"

func showable(raw, ownBase string) (shown string, own bool) {
	u, err := url.Parse(raw)
	if err != nil {
		return "", false
	}
	if path, ok := strings.CutPrefix(raw, ownBase); ok && ownBase != "" && strings.HasPrefix(path, assetsPath) {
		return path, true
	}
	switch {
	case u.Host == "" && u.Scheme == "" && strings.HasPrefix(u.Path, assetsPath):
		return raw, true
	case (u.Scheme == "https" || u.Scheme == "http") && u.Host != "":
		return raw, false
	}
	return "", false
}

// fileName is what a picture is saved as: the words of its prompt.
func fileName(prompt, format string) string {
	var b strings.Builder
	gap := false
	for _, r := range strings.ToLower(prompt) {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			if gap && b.Len() > 0 {
				b.WriteByte('-')
			}
			gap = false
			b.WriteRune(r)
		} else {
			gap = true
		}
		if b.Len() >= 48 {
			break
		}
	}
	if b.Len() == 0 {
		b.WriteString("creative")
	}
	switch strings.ToLower(format) {
	case "jpg", "jpeg":
		return b.String() + ".jpg"
	case "webp", "gif", "avif":
		return b.String() + "." + strings.ToLower(format)
	}
	return b.String() + ".png"
}
