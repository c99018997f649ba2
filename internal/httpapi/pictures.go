package httpapi

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"strings"
	"time"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/app"
	"github.com/creativeflow/aigen/internal/assets"
	"github.com/creativeflow/aigen/internal/httpapi/wire"
	"github.com/creativeflow/aigen/internal/web"
)

func (a *API) needPictures() error {
	if a.c.Pictures == nil {
		return wire.NewError(wire.CodePicturesNotStored, "This service stores no pictures (ASSET_INGEST is off).")
	}
	return nil
}

// uploadAsset takes a picture of a user.
func (a *API) uploadAsset(w http.ResponseWriter, r *http.Request) error {
	if err := a.needPictures(); err != nil {
		return err
	}
	user := web.IdentityOf(r.Context()).UserID
	leave, err := wire.EnterLarge(a.large, user)
	if err != nil {
		return err
	}
	defer leave()
	data, err := a.readPicture(w, r, assets.MaxUpload)
	if err != nil {
		return err
	}
	stored, err := a.c.Pictures.UploadByUser(r.Context(), user, data)
	if err != nil {
		return err
	}
	w.Header().Set("Location", userAssetsPath+"/"+stored.AssetID)
	return wire.WriteJSON(w, http.StatusCreated, a.views.Upload(stored))
}

const (
	// multipartRoom is what the framing of a form may take beside the file.
	multipartRoom = 64 << 10
	// pictureTime is enough for the largest picture on a slow line (2 Mbit/s).
	pictureTime = 5 * time.Minute
)

// readPicture reads a body that is a picture, or a form with one in its field "file". The
// bytes decide what it is, and not the Content-Type.
func (a *API) readPicture(w http.ResponseWriter, r *http.Request, limit int64) ([]byte, error) {
	media, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if r.Header.Get("Content-Type") != "" && err != nil {
		return nil, wire.NewError(wire.CodeUnsupportedType, "The Content-Type cannot be read.")
	}
	if media != "multipart/form-data" {
		return a.bodies.ReadAllWithin(w, r, limit, pictureTime, nil)
	}
	body, err := a.bodies.ReadAllWithin(w, r, limit+multipartRoom, pictureTime, nil)
	if err != nil {
		return nil, err
	}
	form := multipart.NewReader(bytes.NewReader(body), params["boundary"])
	for {
		part, err := form.NextPart()
		if err != nil {
			return nil, wire.Invalid(aigen.FieldError{Location: "body.file", Message: "the form has no field of this name with a file"})
		}
		if part.FormName() != "file" {
			continue
		}
		data, err := io.ReadAll(io.LimitReader(part, limit+1))
		switch {
		case err != nil:
			return nil, wire.NewError(wire.CodeIncompleteBody, "The form ended before its last boundary.")
		case int64(len(data)) > limit:
			return nil, wire.TooLarge(limit)
		}
		return data, nil
	}
}

func (a *API) listAssets(w http.ResponseWriter, r *http.Request) error {
	if err := a.needPictures(); err != nil {
		return err
	}
	f := wire.NewFilter(r)
	q := assets.UploadQuery{UserID: web.IdentityOf(r.Context()).UserID, Limit: f.Limit()}
	if err := f.Faults.Err(); err != nil {
		return err
	}
	if text := f.Get("cursor"); text != "" {
		cursor, ok := parseAssetCursor(text)
		if !ok {
			return wire.NewError(wire.CodeInvalidCursor, "Take the cursor from nextCursor of the page before, as it is.",
				aigen.FieldError{Location: "query.cursor", Message: "is not a cursor that this service gave out"})
		}
		q.Before = &cursor
	}
	list, more, err := a.c.Pictures.Uploads(r.Context(), q)
	if err != nil {
		return err
	}
	page := wire.UploadPage{Items: make([]wire.UploadView, len(list))}
	for i := range list {
		page.Items[i] = a.views.Upload(list[i])
	}
	if more {
		page.NextCursor = wire.OrNull(assetCursor(list[len(list)-1]))
	}
	return wire.WriteJSON(w, http.StatusOK, page)
}

func assetCursor(s aigen.StoredAsset) string {
	b := binary.BigEndian.AppendUint64(nil, uint64(s.CreatedAt.UnixMicro()))
	return base64.RawURLEncoding.EncodeToString(append(b, s.Name[:]...))
}

func parseAssetCursor(text string) (c assets.Cursor, ok bool) {
	b, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(b) != 8+len(c.Name) {
		return c, false
	}
	c.CreatedAt = time.UnixMicro(int64(binary.BigEndian.Uint64(b))).UTC() //nolint:gosec // G115: what assetCursor wrote
	copy(c.Name[:], b[8:])
	return c, c.CreatedAt.Year() >= 1970 && c.CreatedAt.Year() <= 9999
}

func (a *API) getAsset(w http.ResponseWriter, r *http.Request) error {
	if err := a.needPictures(); err != nil {
		return err
	}
	stored, err := a.c.Pictures.Own(r.Context(), web.IdentityOf(r.Context()).UserID, r.PathValue("id"))
	if err != nil {
		return err
	}
	return wire.WriteJSON(w, http.StatusOK, a.views.Upload(stored))
}

func (a *API) removeAsset(w http.ResponseWriter, r *http.Request) error {
	if err := a.needPictures(); err != nil {
		return err
	}
	if err := a.c.Pictures.RemoveUpload(r.Context(), web.IdentityOf(r.Context()).UserID, r.PathValue("id")); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// engineUpload takes a picture that an engine hands over for a job. The job's token is
// checked before the body is read.
func (a *API) engineUpload(w http.ResponseWriter, r *http.Request) error {
	if err := a.needPictures(); err != nil {
		return err
	}
	token, ok := bearer(r)
	if !ok || a.c.Tokens == nil {
		return &wire.Error{
			Code: wire.CodeMissingProof, Detail: "Hand over pictures with the job's callback token as the bearer.",
			Headers: challenge(`Bearer realm="aigen uploads"`),
		}
	}
	generation, job, err := a.c.Tokens.Open(token)
	if err != nil {
		if errors.Is(err, app.ErrTokenFirstForm) {
			err = app.ErrTokenForged // such a job was not told of uploads
		}
		return wrongToken(err)
	}
	if asked, err := aigen.ParseID(r.PathValue("job")); err != nil || asked != job {
		return wire.NewError(wire.CodeInvalidProof, "The token is for another job than the one in the path.")
	}
	c := web.InfoFrom(r.Context())
	c.Generation, c.Job = generation, job
	data, err := a.readPicture(w, r, a.c.MaxEngineUpload)
	if err != nil {
		return err
	}
	stored, again, err := a.c.Pictures.UploadByEngine(r.Context(), generation, job, data)
	if err != nil {
		return err
	}
	status := http.StatusCreated
	if again {
		status = http.StatusOK
	}
	return wire.WriteJSON(w, status, a.views.Upload(stored))
}

// storedPicture serves GET /assets/<name>.
func (a *API) storedPicture(w http.ResponseWriter, r *http.Request, name aigen.AssetName) error {
	query := r.URL.Query()
	if !a.c.Links.Allowed(name, query.Get("expires"), query.Get("signature")) {
		return wire.NewError(wire.CodeLinkExpired, "Ask for the generation again: it has a fresh link.")
	}
	size, ok := assets.ParseSize(query.Get("size"))
	if !ok {
		return wire.Invalid(aigen.FieldError{Location: "query.size", Message: "must be thumb, preview or original"})
	}
	disposition := ""
	if file := query.Get("download"); file != "" {
		disposition = mime.FormatMediaType("attachment", map[string]string{"filename": fileNameOf(file)})
	}
	accept := r.Header.Values("Accept")
	webp := qualityOf(accept, "image/webp")
	p, err := a.c.Pictures.Open(r.Context(), name, size, len(accept) > 0 && webp.q > 0 && webp.exact == 3, disposition)
	switch {
	case errors.Is(err, assets.ErrNoAsset):
		return wire.NewError(wire.CodeRouteNotFound, "There is no such asset.")
	case err != nil:
		return err
	}
	h := w.Header()
	h.Set("Cross-Origin-Resource-Policy", "cross-origin") // its name is what protects it
	h.Set("Content-Security-Policy", "default-src 'none'; sandbox; frame-ancestors 'none'")
	if p.Redirect != "" {
		h.Set("Cache-Control", "no-store")
		h.Set("Location", p.Redirect)
		w.WriteHeader(http.StatusFound)
		return nil
	}
	defer func() { _ = p.Object.Close() }()
	h.Set("Content-Type", p.Format.MediaType())
	if h.Set("Cache-Control", "no-store"); p.ETag != "" {
		h.Set("ETag", p.ETag)
		h.Set("Cache-Control", a.c.Links.CacheControl())
	}
	if size != assets.Original {
		h.Add("Vary", "Accept")
	}
	if disposition != "" {
		h.Set("Content-Disposition", disposition)
	}
	aw := &assetWriter{ResponseWriter: w, kept: true}
	http.ServeContent(aw, r, "", p.StoredAt, p.Object)
	if aw.refused == http.StatusRequestedRangeNotSatisfiable {
		return wire.NewError(wire.CodeRangeNotSatisfied, "The file is shorter than that.")
	}
	return nil
}

// fileNameOf keeps the last part of a name, without what file systems refuse.
func fileNameOf(name string) string {
	name = name[strings.LastIndexAny(name, "/\\")+1:]
	name = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || strings.ContainsRune(`<>:"|?*`, r) {
			return -1
		}
		return r
	}, wire.Plain(name))
	if name = strings.Trim(wire.Shorten(name, 120), ". "); name == "" {
		return "picture"
	}
	return name
}
