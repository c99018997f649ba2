package httpapi

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/app"
)

// readReferences reads the pictures that a user gives along; false if there is no list.
func readReferences(o object) ([]aigen.Reference, bool) {
	elements, ok := o.list("references")
	if !ok {
		return nil, false
	}
	if len(elements) > aigen.MaxReferences {
		o.fault("references", "has %d entries, at most %d are allowed", len(elements), aigen.MaxReferences)
		return nil, true
	}
	list := make([]aigen.Reference, 0, len(elements))
	for i, raw := range elements {
		r := newObject(o.location("references")+"["+strconv.Itoa(i)+"]", raw, o.faults)
		if r.members == nil {
			continue
		}
		r.only("assetId", "role")
		var ref aigen.Reference
		if r.need("assetId") {
			ref.AssetID, _ = r.text("assetId")
			checkAssetID(r, "assetId", ref.AssetID)
		}
		ref.Role = aigen.ReferenceRole(oneOf(r, "role", "reference", "style", "mask", "logo"))
		list = append(list, ref)
	}
	return list, true
}

// readOptions reads what a caller adds for its own purposes.
func readOptions(o object, f *faults) (opts aigen.Options) {
	if s, ok := o.text("externalId"); ok {
		if opts.ExternalID = s; s == "" {
			o.fault("externalId", "must have 1 to %d characters without control characters", aigen.MaxExternalID)
		}
	}
	if raw, ok := o.get("metadata"); ok {
		if err := json.Unmarshal(raw, &opts.Metadata); err != nil {
			o.fault("metadata", "must be an object whose values are texts")
		}
	}
	if _, ok := o.get("autoSelect"); ok {
		opts.AutoSelect = oneOf(o, "autoSelect", "first") != ""
	}
	for _, fault := range opts.Check() {
		if !slices.Contains(*f, fault) {
			f.add(fault.Location, "%s", fault.Message)
		}
	}
	return opts
}

func (a *API) retry(w http.ResponseWriter, r *http.Request) error {
	id, err := generationID(r)
	if err != nil {
		return err
	}
	var f faults
	cmd := app.RetryGeneration{UserID: identityOf(r.Context()).UserID, GenerationID: id}
	if cmd.Key, err = keyOf(r, retryPath, id, nil, &f); err != nil {
		return err
	}
	if err := f.err(); err != nil {
		return err
	}
	accepted, err := a.c.Service.RetryGeneration(r.Context(), cmd)
	if err != nil {
		return err
	}
	return accept(w, r, accepted)
}
