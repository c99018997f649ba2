package main

import (
	"context"
	"crypto/rand"
	"sync"
	"time"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/app"
	"github.com/creativeflow/aigen/internal/assets"
	"github.com/creativeflow/aigen/internal/config"
	"github.com/creativeflow/aigen/internal/filestore"
	"github.com/creativeflow/aigen/internal/runtimeinfo"
	"github.com/creativeflow/aigen/internal/s3store"
	"github.com/creativeflow/aigen/internal/safehttp"
	"github.com/creativeflow/aigen/internal/worker"
)

// newAssetName is nil where pictures are not kept. The stub's are not: it is for load tests,
// and all its pictures are one.
func newAssetName(c config.Config) func() aigen.AssetName {
	if !c.Assets.Ingest || c.UsesWorker() && !c.Worker.Render {
		return nil
	}
	return func() (n aigen.AssetName) {
		_, _ = rand.Read(n[:]) // never fails
		return n
	}
}

// assetLinks is nil where pictures are not kept.
func (in *instance) assetLinks() *assets.Links {
	if newAssetName(in.c) == nil {
		return nil
	}
	return assets.NewLinks(in.publicURL, in.c.Assets.URLTTL, []byte(in.c.Callback.Secrets[0].Reveal()), clock())
}

func (in *instance) assetConfig() app.AssetConfig {
	links := in.assetLinks()
	if links == nil {
		return app.AssetConfig{}
	}
	return app.AssetConfig{
		Links: links, SamplesRetention: in.c.Assets.SamplesRetention, UploadRetention: in.c.Assets.UploadRetention,
	}
}

func (in *instance) jobCallbacks(tokens *app.JobTokens) app.JobCallbacks {
	c := app.JobCallbacks{URL: in.callbackURL() + "/api/v1/callbacks/n8n", Tokens: tokens}
	if newAssetName(in.c) != nil {
		c.Uploads = in.callbackURL() + "/api/v1/uploads/"
	}
	return c
}

// connectPictures is nil where pictures are not kept. files is nil where the engine is not
// in this process.
func (in *instance) connectPictures(s *app.Service, policy *aigen.Policy, files *worker.Assets) (*assets.Service, error) {
	links := in.assetLinks()
	if links == nil {
		return nil, nil //nolint:nilnil // there is none
	}
	objects, mode, err := openObjects(in.c)
	if err != nil {
		return nil, err
	}
	in.onClose(objects.Close)
	allowed, err := safehttp.ParseAllowed(in.c.Assets.Sources)
	if err != nil {
		return nil, &exitError{exitSettings, err}
	}
	ac := assets.Config{
		Policy: policy, Repository: in.store, Objects: objects, Generations: s, Links: links, Log: in.log,
		Fetcher:         safehttp.NewClient(safehttp.Config{Allowed: allowed, MaxBytes: int64(in.c.Assets.MaxBytes), Timeout: time.Minute}),
		UploadRetention: in.c.Assets.UploadRetention, Redirect: in.c.Assets.Delivery == "redirect",
	}
	if files != nil {
		ac.Local = files
	}
	in.depend("pictures", mode, in.lookAtObjects(objects))
	return assets.New(ac), nil
}

// lookAtObjects says whether pictures can be stored. A bucket bills each look, and probes
// come every few seconds: an answer counts for objectsCheckedFor.
func (in *instance) lookAtObjects(objects assets.Objects) func(context.Context) (runtimeinfo.State, string) {
	var mu sync.Mutex
	var checked time.Time
	var failed error
	return func(ctx context.Context) (runtimeinfo.State, string) {
		mu.Lock()
		defer mu.Unlock()
		if time.Since(checked) >= objectsCheckedFor {
			failed, checked = objects.Check(ctx), time.Now()
			if failed != nil {
				in.log.WarnContext(ctx, "pictures cannot be stored", "error", failed)
			}
		}
		if failed != nil {
			return runtimeinfo.StateDegraded, "pictures cannot be stored; engines keep them meanwhile"
		}
		return runtimeinfo.StateOK, ""
	}
}

const objectsCheckedFor = 15 * time.Second

// objectStore is a store of pictures that can be closed.
type objectStore interface {
	assets.Objects
	Close() error
}

func openObjects(c config.Config) (objectStore, string, error) {
	if c.Assets.Store.Reveal() == "" {
		s, err := filestore.Open(assetFolder(c))
		return s, "files", err
	}
	s, err := s3store.Open(s3store.Config{
		URL: c.Assets.Store.Reveal(), AccessKey: c.Assets.AccessKey.Reveal(), SecretKey: c.Assets.SecretKey.Reveal(),
	})
	if err != nil {
		return nil, "", &exitError{exitSettings, err}
	}
	return s, "s3", nil
}
