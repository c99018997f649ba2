package main

import (
	"errors"
	"fmt"
	"image"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"unicode"
)

// checkFiles finds out now what would else be found out when the picture is paid for.
func (o *generateOptions) checkFiles(term terminal, fault func(string, ...any)) {
	switch {
	case o.out == "-" && o.json:
		fault("--out - and --json both want standard output")
	case o.out == "-" && term.outTTY:
		fault("--out - would write the picture on the terminal: redirect it, or name a file")
	case o.out == "-":
	case o.out == "":
		if err := canWriteTo("."); err != nil {
			fault("the picture cannot be saved here: %v; name a file with --out", err)
		}
	default:
		if err := checkTarget(o.out, o.force); err != nil {
			fault("--out %v", err)
		}
	}
	if o.saveSamples != "" {
		if err := o.checkSampleFolder(); err != nil {
			fault("--save-samples %v", err)
		}
	}
}

func checkTarget(name string, force bool) error {
	info, err := os.Stat(name)
	switch {
	case err == nil && info.IsDir():
		return fmt.Errorf("%s is a folder: name a file in it", name)
	case err == nil && !info.Mode().IsRegular():
		return fmt.Errorf("%s is not a plain file: use - and redirect", name) // a rename would replace the device
	case err == nil && !force:
		return fmt.Errorf("%s exists already: name another file, or say --force", name)
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return err
	}
	return canWriteTo(filepath.Dir(name))
}

func canWriteTo(dir string) error {
	f, err := os.CreateTemp(dir, ".aigen-*")
	if err != nil {
		var p *fs.PathError
		if errors.As(err, &p) {
			err = p.Err
		}
		return fmt.Errorf("%s cannot be written to: %w", dir, err)
	}
	return errors.Join(f.Close(), os.Remove(f.Name()))
}

func (o *generateOptions) checkSampleFolder() error {
	if err := os.MkdirAll(o.saveSamples, 0o777); err != nil { //nolint:gosec // G301: the user's own folder, their umask
		return err
	}
	if !o.force {
		for i := range o.samples {
			if taken, _ := filepath.Glob(filepath.Join(globEscape(o.saveSamples), fmt.Sprintf("sample-%d.*", i+1))); len(taken) > 0 {
				return fmt.Errorf("%s exists already: name another folder, or say --force", taken[0])
			}
		}
	}
	return canWriteTo(o.saveSamples)
}

// globEscape takes the meaning from what is special in a pattern.
func globEscape(s string) string {
	return regexp.MustCompile(`[*?\[\\]`).ReplaceAllString(s, `\$0`)
}

// nameFor derives a file name from the prompt: short, plain, and not taken.
func nameFor(prompt, extension string) string {
	stem := slug(prompt)
	name := stem + "." + extension
	for i := 2; ; i++ {
		if _, err := os.Lstat(name); errors.Is(err, fs.ErrNotExist) {
			return name
		}
		name = fmt.Sprintf("%s-%d.%s", stem, i, extension)
	}
}

const maxSlug = 40 // characters

// slug keeps letters and digits of any script, and joins words with hyphens.
func slug(prompt string) string {
	var words []string
	length := 0
	for _, w := range strings.FieldsFunc(strings.ToLower(prompt), func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r)
	}) {
		runes := []rune(w)
		if length+len(runes)+1 > maxSlug {
			if length == 0 {
				words = append(words, string(runes[:maxSlug]))
			}
			break
		}
		length += len(runes) + 1
		words = append(words, w)
	}
	if len(words) == 0 {
		return "picture"
	}
	return strings.Join(words, "-")
}

// unknownExtension is for what is no picture: nothing runs it or shows it.
const unknownExtension = "bin"

// extensionOf is how a file should end, by what is in it. What the engine calls it is
// the engine's word: by its name, a file may be run.
func extensionOf(name string) string {
	f, err := os.Open(name) //nolint:gosec // G304: a file that was just saved
	if err != nil {
		return unknownExtension
	}
	defer f.Close()
	head := make([]byte, 12)
	n, _ := io.ReadFull(f, head) // a shorter one is no picture
	if e := otherPicture(string(head[:n])); e != "" {
		return e
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return unknownExtension
	}
	_, format, err := image.DecodeConfig(f)
	switch {
	case err != nil:
		return unknownExtension
	case format == "jpeg":
		return "jpg"
	}
	return format
}

// otherPicture knows pictures of kinds that are not decoded here by their first bytes.
func otherPicture(head string) string {
	box, brand := "", ""
	if len(head) >= 12 {
		box, brand = head[4:8], head[8:12]
	}
	switch {
	case strings.HasPrefix(head, "BM"):
		return "bmp"
	case strings.HasPrefix(head, "II*\x00"), strings.HasPrefix(head, "MM\x00*"):
		return "tiff"
	case box == "ftyp" && brand == "avif":
		return "avif"
	case box == "ftyp" && brand == "heic":
		return "heic"
	}
	return ""
}
