package worker

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"unicode"
)

// original is an answer of the server, as it is kept.
type original struct {
	picture       []byte // PNG, JPEG or WebP, as it came
	revisedPrompt string // what the model made of the prompt, if the server said
}

// maxRevisedPrompt is in characters. It keeps the metadata, escaped, below
// aigen.MaxAssetMetadata.
const maxRevisedPrompt = 2000

// metadata is what the asset says of its making.
func (o original) metadata() (json.RawMessage, error) {
	if o.revisedPrompt == "" {
		return nil, nil
	}
	return json.Marshal(map[string]string{"revised_prompt": o.revisedPrompt})
}

// keep writes an original. The picture comes last: where it is, the rest is too.
func (p *ImageAPI) keep(id string, o original) error {
	err := p.assets.put(id+".prompt", func(w io.Writer) error {
		_, err := io.WriteString(w, o.revisedPrompt)
		return err
	})
	if err != nil {
		return err
	}
	return p.assets.put(id+".orig", func(w io.Writer) error {
		_, err := w.Write(o.picture)
		return err
	})
}

// kept reads the original of a sample. The id may come from another engine: only
// names of our own form are looked for.
func (p *ImageAPI) kept(id string) (original, error) {
	if !assetName.MatchString(id + ".png") {
		return original{}, errors.New("the asset id is not one of ours")
	}
	picture, err := p.assets.get(id + ".orig")
	if err != nil {
		return original{}, fmt.Errorf("read the original: %w", err)
	}
	prompt, err := p.assets.get(id + ".prompt")
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return original{}, fmt.Errorf("read the original: %w", err)
	}
	return original{picture: picture, revisedPrompt: string(prompt)}, nil
}

// shortText makes text from outside fit to be stored and shown: at most n characters,
// valid UTF-8, and no control characters (PostgreSQL takes no NUL, terminals obey ESC).
func shortText(s string, n int) string {
	var b strings.Builder
	for _, r := range strings.ToValidUTF8(s, "") {
		if n--; n < 0 {
			break
		}
		if unicode.IsControl(r) {
			r = ' '
		}
		b.WriteRune(r)
	}
	return strings.TrimSpace(b.String())
}
