package httpapi

import (
	"net/http"
	"reflect"

	"github.com/danielgtaylor/huma/v2"

	"github.com/creativeflow/aigen"
)

// assetSpecs describes the routes of pictures.
func assetSpecs() map[string]spec {
	one := answer{status: http.StatusOK, text: "The asset.", body: reflect.TypeFor[uploadView]()}
	created := answer{status: http.StatusCreated, text: "The picture is stored.", body: reflect.TypeFor[uploadView](), headers: []string{"Location"}}
	taken := created
	taken.headers = nil
	again := one
	again.text = "The same bytes were handed over before: the same asset."
	low, high := 1.0, float64(maxLimit)
	broken := []aigen.Code{aigen.CodeUnsupportedPicture, aigen.CodeUnusablePicture, aigen.CodeInvalidInput, codePicturesNotStored, codeBodyTooLarge, codeIncompleteBody, codeRequestTimeout, codeUnsupportedType}
	return map[string]spec{
		"POST " + userAssetsPath: {
			id: "uploadAsset", tag: tagAssets, summary: "Upload a picture",
			text:    "The body is a PNG, JPEG or WebP of at most 20 MiB and 100 megapixels, or multipart/form-data with it in the field file. The bytes decide what it is.",
			rawBody: true, answers: []answer{created}, codes: broken,
		},
		"GET " + userAssetsPath: {
			id: "listAssets", tag: tagAssets, summary: "List your uploads, newest first",
			params: []*huma.Param{
				{Name: "limit", In: "query", Description: "How many at most.", Schema: &huma.Schema{
					Type: huma.TypeInteger, Minimum: &low, Maximum: &high, Default: defaultLimit,
				}},
				{Name: "cursor", In: "query", Description: "nextCursor of the page before.", Schema: &huma.Schema{Type: huma.TypeString}},
			},
			answers: []answer{{status: http.StatusOK, text: "A page.", body: reflect.TypeFor[uploadPage]()}},
			codes:   []aigen.Code{aigen.CodeInvalidInput, codeInvalidCursor, codePicturesNotStored},
		},
		"GET " + userAssetPath: {
			id: "getAsset", tag: tagAssets, summary: "Read one asset of yours",
			text: "An upload, or a result by its assetId.", answers: []answer{one}, codes: []aigen.Code{aigen.CodeAssetNotFound, codePicturesNotStored},
		},
		"DELETE " + userAssetPath: {
			id: "deleteAsset", tag: tagAssets, summary: "Delete an upload",
			answers: []answer{{status: http.StatusNoContent, text: "It is gone."}},
			codes:   []aigen.Code{aigen.CodeAssetNotFound, aigen.CodeAssetInUse, codePicturesNotStored},
		},
		"POST " + uploadPath: {
			id: "engineUpload", tag: tagEngine, summary: "Hand over a picture for a job",
			text:    "The body is the picture. The job's callback token is the proof. Name the assetId in the callback; it needs no url then.",
			rawBody: true, answers: []answer{taken, again},
			codes:    append([]aigen.Code{codeMissingProof, codeInvalidProof, aigen.CodeNotFound, aigen.CodeInvalidState}, broken...),
			security: []map[string][]string{{schemeJob: {}}},
		},
	}
}

// pictureBody is a body that is a picture, or a form with one.
func pictureBody() *huma.RequestBody {
	binary := &huma.Schema{Type: huma.TypeString, Format: "binary"}
	form := &huma.Schema{Type: huma.TypeObject, Properties: map[string]*huma.Schema{"file": binary}, Required: []string{"file"}}
	return &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{
		"image/png": {Schema: binary}, "image/jpeg": {Schema: binary}, "image/webp": {Schema: binary},
		"multipart/form-data": {Schema: form},
	}}
}
