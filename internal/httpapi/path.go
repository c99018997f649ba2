package httpapi

import (
	"net/http"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/web"
)

const noGeneration = "There is no generation with this id."

// generationID reads {id} of the path. What is no UUID does not exist either.
func generationID(r *http.Request) (aigen.ID, error) {
	id, err := aigen.ParseID(r.PathValue("id"))
	if err != nil {
		return aigen.ID{}, newAPIError(aigen.CodeNotFound, noGeneration)
	}
	web.InfoFrom(r.Context()).Generation = id
	return id, nil
}

// pathID reads {id} of the path. What is no UUID does not exist either.
func pathID(r *http.Request, otherwise aigen.Code, words string) (aigen.ID, error) {
	id, err := aigen.ParseID(r.PathValue("id"))
	if err != nil {
		return aigen.ID{}, newAPIError(otherwise, words)
	}
	return id, nil
}
