package app

import (
	"slices"
	"strings"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/outbox"
)

// IngestPayload is the payload of a delivery of the queue of assets.
type IngestPayload struct {
	Name aigen.AssetName `json:"name"`
}

// addIngest adds the row of a picture that is to be copied, and the delivery that copies it.
func (s *Service) addIngest(c *Change, e aigen.Effect) error {
	g := c.Generation
	c.Assets = append(c.Assets, aigen.StoredAsset{
		Name: e.Asset.Name, AssetID: e.Asset.AssetID, Kind: aigen.AssetResult, UserID: g.UserID, GenerationID: g.ID, JobID: e.JobID,
		Model: g.AIModelUsed, SourceURL: e.Asset.URL, State: aigen.AssetWaiting, SourceType: SourceTypeOf(g), CreatedAt: g.UpdatedAt,
	})
	return s.addDelivery(c, outbox.Delivery{ID: s.policy.NewID(), Kind: outbox.DeliverIngest}, 0, IngestPayload{e.Asset.Name})
}

// SourceTypeOf is what the pictures of g declare about how they were made.
func SourceTypeOf(g *aigen.Generation) aigen.SourceType {
	switch {
	case strings.HasPrefix(g.AIModelUsed, "embedded/"):
		return aigen.SourceAlgorithmic // without any trained model
	case len(g.Input.References) > 0:
		return aigen.SourceComposite
	}
	return aigen.SourceTrained
}

// NewestAssets keeps the first of those that share an id; list is ordered newest first.
func NewestAssets(list []aigen.StoredAsset) []aigen.StoredAsset {
	seen := make(map[string]bool, len(list))
	return slices.DeleteFunc(list, func(a aigen.StoredAsset) bool {
		before := seen[a.AssetID]
		seen[a.AssetID] = true
		return before
	})
}
