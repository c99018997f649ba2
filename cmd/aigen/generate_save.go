package main

import (
	"context"
	"errors"
	"fmt"
	"image"
	_ "image/gif"  // pictures that engines make
	_ "image/jpeg" // likewise
	_ "image/png"  // likewise
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	_ "golang.org/x/image/webp" // likewise

	"github.com/creativeflow/aigen"
)

// save puts the final picture where the command line says. It is paid for by now, so
// that every error says where it can still be had.
func (r *generateRun) save(ctx context.Context, asset *aigen.Asset) error {
	asset, err := r.finalAsset(ctx, asset)
	if err != nil {
		return err
	}
	if r.o.out == "-" {
		err = r.pour(ctx, asset)
	} else {
		err = r.saveFile(ctx, asset)
	}
	switch {
	case err == nil:
		return nil
	case errors.Is(err, errNoPicture) && r.result.File != "":
		return fmt.Errorf("the generation was completed and paid for, but %w: look at %s before you use it\nIt came from %s",
			err, r.result.File, printable(asset.URL))
	case ctx.Err() != nil:
		err = errors.New(reasonOf(ctx))
	}
	return fmt.Errorf("the picture was made and paid for, but not saved: %w\nIt is at %s", err, printable(asset.URL))
}

// finalAsset asks for the asset where the event did not carry it.
func (r *generateRun) finalAsset(ctx context.Context, asset *aigen.Asset) (*aigen.Asset, error) {
	if asset == nil {
		g, err := r.client.Get(ctx, r.id)
		if err != nil {
			return nil, err
		}
		asset = g.FinalAsset
	}
	if asset == nil || asset.URL == "" {
		return nil, fmt.Errorf("the picture of generation %s was made, but the engine did not say where it is", r.id)
	}
	return asset, nil
}

func (r *generateRun) saveFile(ctx context.Context, asset *aigen.Asset) (err error) {
	name := r.o.out
	if name != "" {
		r.result.Bytes, err = r.client.Download(ctx, asset.URL, name, r.o.force)
	} else {
		// The name is taken only when it is given: somebody may have been quicker.
		r.result.Bytes, err = r.client.DownloadAs(ctx, asset.URL, slug(r.o.input.Prompt), false, func(part string) string {
			name = nameFor(r.o.input.Prompt, extensionOf(part))
			return name
		})
	}
	if err != nil {
		return err
	}
	r.result.File = name
	return r.describe(name)
}

// pour writes the picture to standard output, by way of a file: whoever reads there
// gets all of it or nothing.
func (r *generateRun) pour(ctx context.Context, asset *aigen.Asset) error {
	dir, err := os.MkdirTemp("", "aigen-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	name := filepath.Join(dir, "picture")
	if r.result.Bytes, err = r.client.Download(ctx, asset.URL, name, false); err != nil {
		return err
	}
	if err := r.describe(name); err != nil {
		return err
	}
	f, err := os.Open(name) //nolint:gosec // G304: made above
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = io.Copy(rawOf(r.term.out), f)
	return err
}

// errNoPicture is why a generation that was completed is no success: a script that goes
// on with the file would go on with an error page, say, or a program.
var errNoPicture = errors.New("what was delivered is not a picture")

// describe looks at what was saved.
func (r *generateRun) describe(name string) error {
	extension := extensionOf(name)
	if extension == unknownExtension {
		return errNoPicture
	}
	if c, format, ok := measure(name); ok {
		r.result.Width, r.result.Height, r.result.Format = c.Width, c.Height, format
	}
	asked := strings.TrimPrefix(strings.ToLower(filepath.Ext(r.o.out)), ".")
	if asked != "" && strings.Replace(asked, "jpeg", "jpg", 1) != extension {
		r.view.note("the picture is a " + strings.ToUpper(extension) + " file, whatever " + r.o.out + " says")
	}
	return nil
}

func measure(name string) (image.Config, string, bool) {
	f, err := os.Open(name) //nolint:gosec // G304: a file that was just saved
	if err != nil {
		return image.Config{}, "", false
	}
	defer f.Close()
	c, format, err := image.DecodeConfig(f)
	return c, format, err == nil
}

// keepSamples saves the samples where that was asked for, and returns where each can
// be seen: its file, or its URL.
func (r *generateRun) keepSamples(ctx context.Context, samples []aigen.Asset) ([]string, error) {
	r.rounds++
	prefix := "sample-"
	if r.rounds > 1 {
		prefix = fmt.Sprintf("round-%d-sample-", r.rounds)
	}
	where := make([]string, len(samples))
	for i := range samples {
		var err error
		if where[i], err = r.client.AssetURL(samples[i].URL); err != nil || r.o.saveSamples == "" {
			continue // one that cannot be seen can be picked all the same
		}
		var file string
		stem := filepath.Join(r.o.saveSamples, prefix+strconv.Itoa(i+1))
		if _, err := r.client.DownloadAs(ctx, where[i], stem, r.o.force, func(part string) string {
			file = stem + "." + extensionOf(part)
			return file
		}); err != nil {
			return nil, fmt.Errorf("save sample %d: %w. %s", i+1, err, r.waiting())
		}
		where[i] = file
		r.result.Samples = append(r.result.Samples, file)
	}
	return where, nil
}
