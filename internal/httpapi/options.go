package httpapi

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/app"
	"github.com/creativeflow/aigen/internal/httpapi/wire"
	"github.com/creativeflow/aigen/internal/web"
)

// readReferences reads the pictures that a user gives along; false if there is no list.
func readReferences(o wire.Object) ([]aigen.Reference, bool) {
	elements, ok := o.List("references")
	if !ok {
		return nil, false
	}
	if len(elements) > aigen.MaxReferences {
		o.Fault("references", "has %d entries, at most %d are allowed", len(elements), aigen.MaxReferences)
		return nil, true
	}
	list := make([]aigen.Reference, 0, len(elements))
	for i, raw := range elements {
		r := wire.NewObject(o.Location("references")+"["+strconv.Itoa(i)+"]", raw, o.Faults)
		if r.Members == nil {
			continue
		}
		r.Only("assetId", "role")
		var ref aigen.Reference
		if r.Need("assetId") {
			ref.AssetID, _ = r.Text("assetId")
			checkAssetID(r, "assetId", ref.AssetID)
		}
		ref.Role = aigen.ReferenceRole(oneOf(r, "role", "reference", "style", "mask", "logo"))
		list = append(list, ref)
	}
	return list, true
}

// readOptions reads what a caller adds for its own purposes.
func readOptions(o wire.Object, f *wire.Faults) (opts aigen.Options) {
	if s, ok := o.Text("externalId"); ok {
		if opts.ExternalID = s; s == "" {
			o.Fault("externalId", "must have 1 to %d characters without control characters", aigen.MaxExternalID)
		}
	}
	if raw, ok := o.Get("metadata"); ok {
		if err := json.Unmarshal(raw, &opts.Metadata); err != nil {
			o.Fault("metadata", "must be an object whose values are texts")
		}
	}
	if _, ok := o.Get("autoSelect"); ok {
		opts.AutoSelect = oneOf(o, "autoSelect", "first") != ""
	}
	for _, fault := range opts.Check() {
		if !slices.Contains(*f, fault) {
			f.Add(fault.Location, "%s", fault.Message)
		}
	}
	return opts
}

func (a *API) retry(w http.ResponseWriter, r *http.Request) error {
	id, err := wire.GenerationID(r)
	if err != nil {
		return err
	}
	var f wire.Faults
	cmd := app.RetryGeneration{UserID: web.IdentityOf(r.Context()).UserID, GenerationID: id}
	if cmd.Key, err = keyOf(r, retryPath, id, nil, &f); err != nil {
		return err
	}
	if err := f.Err(); err != nil {
		return err
	}
	accepted, err := a.c.Service.RetryGeneration(r.Context(), cmd)
	if err != nil {
		return err
	}
	return accept(w, r, accepted)
}
