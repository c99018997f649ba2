package wire

import (
	"net/http"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/web"
)

const noGeneration = "There is no generation with this id."

// GenerationID reads {id} of the path. What is no UUID does not exist either.
func GenerationID(r *http.Request) (aigen.ID, error) {
	id, err := aigen.ParseID(r.PathValue("id"))
	if err != nil {
		return aigen.ID{}, NewError(aigen.CodeNotFound, noGeneration)
	}
	web.InfoFrom(r.Context()).Generation = id
	return id, nil
}

// PathID reads {id} of the path. What is no UUID does not exist either.
func PathID(r *http.Request, otherwise aigen.Code, words string) (aigen.ID, error) {
	id, err := aigen.ParseID(r.PathValue("id"))
	if err != nil {
		return aigen.ID{}, NewError(otherwise, words)
	}
	return id, nil
}
