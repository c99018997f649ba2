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
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	aigen "github.com/creativeflow/aigen-orchestrator"
	_ "golang.org/x/image/webp" // likewise
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
	if err != nil && ctx.Err() != nil {
		err = errors.New(reasonOf(ctx))
	}
	if err != nil {
		return fmt.Errorf("the picture was made and paid for, but not saved: %w\nIt is at %s", err, printable(asset.URL))
	}
	return nil
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

func (r *generateRun) saveFile(ctx context.Context, asset *aigen.Asset) error {
	for {
		name := r.o.out
		if name == "" {
			name = nameFor(r.o.input.Prompt, extensionOf(asset))
		}
		n, err := r.client.Download(ctx, asset.URL, name, r.o.force && r.o.out != "")
		if r.o.out == "" && errors.Is(err, fs.ErrExist) {
			continue // somebody took the name just now
		}
		if err != nil {
			return err
		}
		r.result.File, r.result.Bytes = name, n
		r.describe(name)
		return nil
	}
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
	r.describe(name)
	f, err := os.Open(name) //nolint:gosec // G304: made above
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = io.Copy(r.term.out, f)
	return err
}

// describe looks at what was saved.
func (r *generateRun) describe(name string) {
	f, err := os.Open(name) //nolint:gosec // G304: the file that was just saved
	if err != nil {
		return
	}
	defer f.Close()
	c, format, err := image.DecodeConfig(f)
	if err != nil {
		r.view.note("what was saved is not a picture of a kind known here (PNG, JPEG, GIF, WebP)")
		return
	}
	r.result.Width, r.result.Height, r.result.Format = c.Width, c.Height, format
	extension := strings.TrimPrefix(strings.ToLower(filepath.Ext(r.o.out)), ".")
	if extension != "" && strings.Replace(extension, "jpg", "jpeg", 1) != format {
		r.view.note("the picture is a " + strings.ToUpper(format) + " file, whatever " + r.o.out + " says")
	}
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
		file := filepath.Join(r.o.saveSamples, fmt.Sprintf("%s%d.%s", prefix, i+1, extensionOf(&samples[i])))
		if _, err := r.client.Download(ctx, where[i], file, r.o.force); err != nil {
			return nil, fmt.Errorf("save sample %d: %w. %s", i+1, err, r.waiting())
		}
		where[i] = file
		r.result.Samples = append(r.result.Samples, file)
	}
	return where, nil
}
