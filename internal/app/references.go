package app

import (
	"context"
	"slices"
	"strconv"

	"github.com/creativeflow/aigen"
)

// resolveReferences completes the references of an input with what is stored. Error code:
// CodeInvalidInput for one that is not a picture of this user.
func (s *Service) resolveReferences(ctx context.Context, user aigen.ID, in *aigen.Input) error {
	if len(in.References) == 0 {
		return nil
	}
	if s.assets.Links == nil {
		return aigen.InvalidInput(aigen.FieldError{Location: "body.references", Message: "pictures are not stored here (ASSET_INGEST is off)"})
	}
	ids := make([]string, len(in.References))
	for i := range in.References {
		ids[i] = in.References[i].AssetID
	}
	list, err := s.store.OwnAssets(ctx, user, ids)
	if err != nil {
		return err
	}
	in.References = slices.Clone(in.References)
	var faults []aigen.FieldError
	for i := range in.References {
		r := &in.References[i]
		k := slices.IndexFunc(list, func(a aigen.StoredAsset) bool { return a.AssetID == r.AssetID })
		if k < 0 {
			faults = append(faults, aigen.FieldError{
				Location: "body.references[" + strconv.Itoa(i) + "].assetId", Message: "you have no stored picture with this id",
			})
			continue
		}
		r.Name, r.Width, r.Height, r.Format = list[k].Name, list[k].Width, list[k].Height, list[k].Format
	}
	if len(faults) > 0 {
		return aigen.InvalidInput(faults...)
	}
	return nil
}
