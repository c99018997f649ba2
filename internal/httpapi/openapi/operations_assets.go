package openapi

import (
	"net/http"
	"reflect"

	"github.com/danielgtaylor/huma/v2"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/httpapi/wire"
)

func oneAsset(status int, text string, headers ...string) Answer {
	return Answer{Status: status, Text: text, Body: reflect.TypeFor[wire.UploadView](), headers: headers}
}

// pictureCodes are the errors of a body that is a picture.
func pictureCodes() []aigen.Code {
	return []aigen.Code{
		aigen.CodeUnsupportedPicture, aigen.CodeUnusablePicture, aigen.CodeInvalidInput, wire.CodePicturesNotStored, wire.CodeBodyTooLarge,
		wire.CodeIncompleteBody, wire.CodeRequestTimeout, wire.CodeUnsupportedType,
	}
}

// UploadAsset describes POST /api/v1/assets.
func UploadAsset() Operation {
	return Operation{
		ID: "uploadAsset", Tag: tagAssets, Summary: "Upload a picture",
		Text:    "The body is a PNG, JPEG or WebP of at most 20 MiB and 100 megapixels, or multipart/form-data with it in the field file. The bytes decide what it is.",
		rawBody: true, Answers: []Answer{oneAsset(http.StatusCreated, "The picture is stored.", "Location")}, Codes: pictureCodes(),
	}
}

// ListAssets describes GET /api/v1/assets.
func ListAssets() Operation {
	low, high := 1.0, float64(wire.MaxLimit)
	return Operation{
		ID: "listAssets", Tag: tagAssets, Summary: "List your uploads, newest first",
		Params: []*huma.Param{
			{Name: "limit", In: "query", Description: "How many at most.", Schema: &huma.Schema{
				Type: huma.TypeInteger, Minimum: &low, Maximum: &high, Default: wire.DefaultLimit,
			}},
			{Name: "cursor", In: "query", Description: "nextCursor of the page before.", Schema: &huma.Schema{Type: huma.TypeString}},
		},
		Answers: []Answer{{Status: http.StatusOK, Text: "A page.", Body: reflect.TypeFor[wire.UploadPage]()}},
		Codes:   []aigen.Code{aigen.CodeInvalidInput, wire.CodeInvalidCursor, wire.CodePicturesNotStored},
	}
}

// GetAsset describes GET /api/v1/assets/{id}.
func GetAsset() Operation {
	return Operation{
		ID: "getAsset", Tag: tagAssets, Summary: "Read one asset of yours", Subject: "The assetId.", textID: true,
		Text: "An upload, or a result by its assetId.", Answers: []Answer{oneAsset(http.StatusOK, "The asset.")},
		Codes: []aigen.Code{aigen.CodeAssetNotFound, wire.CodePicturesNotStored},
	}
}

// DeleteAsset describes DELETE /api/v1/assets/{id}.
func DeleteAsset() Operation {
	return Operation{
		ID: "deleteAsset", Tag: tagAssets, Summary: "Delete an upload", Subject: "The assetId.", textID: true,
		Answers: []Answer{{Status: http.StatusNoContent, Text: "It is gone."}},
		Codes:   []aigen.Code{aigen.CodeAssetNotFound, aigen.CodeAssetInUse, wire.CodePicturesNotStored},
	}
}

// EngineUpload describes POST /api/v1/uploads/{job}.
func EngineUpload() Operation {
	return Operation{
		ID: "engineUpload", Tag: tagEngine, Summary: "Hand over a picture for a job", Subject: "The jobId.",
		Text:    "The body is the picture. The job's callback token is the proof. Name the assetId in the callback; it needs no url then.",
		rawBody: true,
		Answers: []Answer{
			oneAsset(http.StatusCreated, "The picture is stored."),
			oneAsset(http.StatusOK, "The same bytes were handed over before: the same asset."),
		},
		Codes:    append([]aigen.Code{wire.CodeMissingProof, wire.CodeInvalidProof, aigen.CodeNotFound, aigen.CodeInvalidState}, pictureCodes()...),
		security: []map[string][]string{{schemeJob: {}}},
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
