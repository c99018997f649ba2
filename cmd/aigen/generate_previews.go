package main

import (
	"context"
	"fmt"
	"image"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// What samples may cost that are only looked at on the terminal. One that costs more,
// or cannot be read, is not drawn: it can be picked all the same.
const (
	previewTimeout = 10 * time.Second
	maxPreview     = 32 << 20 // bytes
	maxPixels      = 64 << 20
)

// previews loads the samples for the terminal, each nil where it cannot be had; nil
// where the terminal draws none. where holds files or URLs.
func (r *generateRun) previews(ctx context.Context, where []string) []image.Image {
	if !r.view.drawsPictures() {
		return nil
	}
	dir, err := os.MkdirTemp("", "aigen-*")
	if err != nil {
		return nil
	}
	defer os.RemoveAll(dir)
	ctx, cancel := context.WithTimeout(ctx, previewTimeout)
	defer cancel()
	patient := *r.client
	patient.MaxDownload, patient.Attempts = maxPreview, 2
	pictures := make([]image.Image, len(where))
	var g sync.WaitGroup
	for i, place := range where { // 8 at most
		g.Go(func() {
			file := place
			if r.o.saveSamples == "" {
				file = filepath.Join(dir, fmt.Sprintf("sample-%d", i))
				if _, err := patient.Download(ctx, place, file, false); err != nil {
					return // no preview is worth an error
				}
			}
			pictures[i] = readPicture(file)
		})
	}
	g.Wait()
	return pictures
}

// readPicture is nil for what is no picture, or one that would take too much memory.
func readPicture(name string) image.Image {
	f, err := os.Open(name) //nolint:gosec // G304: a file that was just saved
	if err != nil {
		return nil
	}
	defer f.Close()
	c, _, err := image.DecodeConfig(f)
	if err != nil || c.Width <= 0 || c.Height <= 0 || c.Width > maxPixels/c.Height {
		return nil
	}
	if _, err := f.Seek(0, 0); err != nil {
		return nil
	}
	picture, _, err := image.Decode(f)
	if err != nil {
		return nil
	}
	return picture
}
