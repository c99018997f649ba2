package app

import (
	"time"

	"github.com/creativeflow/aigen"
)

// expireAssets says when pictures go that nobody needs after the end of a generation: its
// samples that were not chosen, and the uploads that it was given.
func (s *Service) expireAssets(c *Change) {
	g := c.Generation
	if s.assets.Links == nil || !g.Status.Ended() {
		return
	}
	end := g.StatusSince
	for i := range g.Samples {
		a := &g.Samples[i]
		if s.assets.SamplesRetention > 0 && !a.Name.IsZero() && a.AssetID != g.SelectedSampleID {
			c.AssetRemovals = append(c.AssetRemovals, AssetRemoval{Name: a.Name, At: end.Add(s.assets.SamplesRetention)})
		}
	}
	for i := range g.Input.References {
		if r := &g.Input.References[i]; !r.Name.IsZero() {
			c.AssetRemovals = append(c.AssetRemovals, AssetRemoval{Name: r.Name, At: end.Add(s.assets.UploadRetention), Upload: true})
		}
	}
}

// shown is a picture with the URL that others see it by.
func (s *Service) shown(a aigen.Asset) aigen.Asset {
	if s.assets.Links != nil && !a.Name.IsZero() {
		a.URL, a.Name = s.assets.Links.URL(a.Name), aigen.AssetName{}
	}
	return a
}

// shownUntil is a picture with a URL that works for an engine until the end of its job.
func (s *Service) shownUntil(a aigen.Asset, end time.Time) aigen.Asset {
	if s.assets.Links != nil && !a.Name.IsZero() {
		a.URL, a.Name = s.assets.Links.URLUntil(a.Name, end), aigen.AssetName{}
	}
	return a
}
