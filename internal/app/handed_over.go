package app

import (
	"context"
	"slices"

	"github.com/creativeflow/aigen"
)

// findHandedOver completes the pictures of a report that came without a URL, since the
// engine has handed over their bytes. It returns the names of these pictures. missing has
// CodeInvalidInput and names a picture that nobody has handed over, or that was removed
// since: only a report that is to be applied is refused for that, so that a repeat stays a
// repeat.
func (s *Service) findHandedOver(ctx context.Context, cmd *ProcessResult) (names []aigen.AssetName, missing, err error) {
	rep := &cmd.Report
	if rep.Kind == aigen.ReportFinal && rep.FinalAsset == nil && rep.FinalAssetID != "" && s.assets.Links != nil {
		// The id alone may be one of a picture that was handed over.
		rep.FinalAsset = &aigen.Asset{AssetID: rep.FinalAssetID}
		names, missing, err = s.findHandedOver(ctx, cmd)
		if missing != nil {
			rep.FinalAsset = nil
		}
		return names, nil, err
	}
	var open []*aigen.Asset
	rep.Samples = slices.Clone(rep.Samples)
	for i := range rep.Samples {
		open = append(open, &rep.Samples[i])
	}
	if rep.FinalAsset != nil {
		final := *rep.FinalAsset
		rep.FinalAsset = &final
		open = append(open, rep.FinalAsset)
	}
	open = slices.DeleteFunc(open, func(a *aigen.Asset) bool { return a.URL != "" })
	if len(open) == 0 {
		return nil, nil, nil
	}
	ids := make([]string, len(open))
	for i, a := range open {
		ids[i] = a.AssetID
	}
	list, err := s.store.AssetsHandedOver(ctx, cmd.GenerationID, ids)
	if err != nil {
		return nil, nil, err
	}
	for _, a := range open {
		i := slices.IndexFunc(list, func(stored aigen.StoredAsset) bool { return stored.AssetID == a.AssetID })
		if i < 0 {
			return nil, aigen.InvalidInput(aigen.FieldError{
				Location: "body.results", Message: "the asset " + a.AssetID + " needs a url: no picture with this assetId was uploaded for the generation",
			}), nil
		}
		stored := &list[i]
		a.Name, a.Width, a.Height, a.Format = stored.Name, stored.Width, stored.Height, stored.Format
		names = append(names, stored.Name)
	}
	return names, nil, nil
}

// selectAutomatically chooses the first sample for a caller who wants no choice. The
// reservation is left to the outbox: a user who cannot afford the final is told, and
// chooses later.
func (s *Service) selectAutomatically(g *aigen.Generation, c *Change) error {
	if !g.Options.AutoSelect || g.Status != aigen.StatusAwaitingSelection || len(g.Samples) == 0 {
		return nil
	}
	if err := g.SelectSample(s.policy, g.Samples[0].AssetID, aigen.Resolution{}); err != nil {
		return err
	}
	if run, _ := g.PendingRun(); run.Amount == 0 {
		_, err := s.reserveLocally(c)
		return err
	}
	return g.DeferReservation(s.policy)
}
