package httpapi

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
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
)

// facts are what is stored of the pictures of some generations.
type facts map[aigen.AssetName]aigen.StoredAsset

// facts looks the pictures of generations up, all in one query.
func (a *API) facts(ctx context.Context, generations ...*aigen.Generation) (facts, error) {
	var names []aigen.AssetName
	for _, g := range generations {
		names = append(names, g.Assets()...)
	}
	if len(names) == 0 || a.c.Pictures == nil {
		return nil, nil //nolint:nilnil // nothing is known
	}
	return a.c.Pictures.Facts(ctx, names)
}

// stored counts the pictures of g that are stored.
func (f facts) stored(g *aigen.Generation) (n int) {
	for _, name := range g.Assets() {
		if f[name].State == aigen.AssetStored {
			n++
		}
	}
	return n
}

func (a *API) viewAsset(s aigen.Asset, known facts) assetView {
	stored, ok := known[s.Name]
	shown := a.c.Links.Show(s)
	v := assetView{AssetID: s.AssetID, URL: shown.URL, Width: s.Width, Height: s.Height, Format: s.Format, Metadata: s.Metadata}
	if !s.Name.IsZero() {
		is := stored.State == aigen.AssetStored
		v.Stored = &is
	}
	if !ok {
		return v
	}
	v.DigitalSourceType = orNull(string(stored.SourceType))
	if stored.State == aigen.AssetStored {
		sum := hex.EncodeToString(stored.SHA256[:])
		v.Size, v.SHA256 = &stored.Size, &sum
		v.Width, v.Height, v.Format = stored.Width, stored.Height, stored.Format
	}
	return v
}

// uploadView is a picture that a user or an engine brought.
type uploadView struct {
	AssetID   string     `json:"assetId" format:"uuid"`
	URL       string     `json:"url" doc:"Where the picture is."`
	Width     int        `json:"width" doc:"Pixels, as shown."`
	Height    int        `json:"height" doc:"Pixels, as shown."`
	Format    string     `json:"format" enum:"png,jpeg,webp"`
	Size      int64      `json:"size" doc:"Bytes."`
	SHA256    string     `json:"sha256" pattern:"^[0-9a-f]{64}$" doc:"Of the bytes behind the URL."`
	CreatedAt time.Time  `json:"createdAt"`
	ExpiresAt *time.Time `json:"expiresAt" doc:"When it is removed, unless a generation uses it before; null: with its generation."`
}

type uploadPage struct {
	Items      []uploadView `json:"items" nullable:"false"`
	NextCursor *string      `json:"nextCursor" doc:"For the next page; null on the last."`
}

func (a *API) viewUpload(s aigen.StoredAsset) uploadView {
	v := uploadView{
		AssetID: s.AssetID, URL: a.c.Links.URL(s.Name), Width: s.Width, Height: s.Height, Format: s.Format, Size: s.Size,
		SHA256: hex.EncodeToString(s.SHA256[:]), CreatedAt: s.CreatedAt.UTC(),
	}
	if !s.RemoveAt.IsZero() {
		at := s.RemoveAt.UTC()
		v.ExpiresAt = &at
	}
	return v
}

func (a *API) needPictures() error {
	if a.c.Pictures == nil {
		return newAPIError(codePicturesNotStored, "This service stores no pictures (ASSET_INGEST is off).")
	}
	return nil
}

// uploadAsset takes a picture of a user.
func (a *API) uploadAsset(w http.ResponseWriter, r *http.Request) error {
	if err := a.needPictures(); err != nil {
		return err
	}
	user := identityOf(r.Context()).UserID
	leave, err := a.large.enter(user)
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
	return writeJSON(w, http.StatusCreated, a.viewUpload(stored))
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
		return nil, newAPIError(codeUnsupportedType, "The Content-Type cannot be read.")
	}
	if media != "multipart/form-data" {
		return a.readAllWithin(w, r, limit, pictureTime, nil)
	}
	body, err := a.readAllWithin(w, r, limit+multipartRoom, pictureTime, nil)
	if err != nil {
		return nil, err
	}
	form := multipart.NewReader(bytes.NewReader(body), params["boundary"])
	for {
		part, err := form.NextPart()
		if err != nil {
			return nil, invalid(aigen.FieldError{Location: "body.file", Message: "the form has no field of this name with a file"})
		}
		if part.FormName() != "file" {
			continue
		}
		data, err := io.ReadAll(io.LimitReader(part, limit+1))
		switch {
		case err != nil:
			return nil, newAPIError(codeIncompleteBody, "The form ended before its last boundary.")
		case int64(len(data)) > limit:
			return nil, tooLarge(limit)
		}
		return data, nil
	}
}

func (a *API) listAssets(w http.ResponseWriter, r *http.Request) error {
	if err := a.needPictures(); err != nil {
		return err
	}
	f := newFilter(r)
	q := assets.UploadQuery{UserID: identityOf(r.Context()).UserID, Limit: f.limit()}
	if err := f.faults.err(); err != nil {
		return err
	}
	if text := f.get("cursor"); text != "" {
		cursor, ok := parseAssetCursor(text)
		if !ok {
			return newAPIError(codeInvalidCursor, "Take the cursor from nextCursor of the page before, as it is.",
				aigen.FieldError{Location: "query.cursor", Message: "is not a cursor that this service gave out"})
		}
		q.Before = &cursor
	}
	list, more, err := a.c.Pictures.Uploads(r.Context(), q)
	if err != nil {
		return err
	}
	page := uploadPage{Items: make([]uploadView, len(list))}
	for i := range list {
		page.Items[i] = a.viewUpload(list[i])
	}
	if more {
		page.NextCursor = orNull(assetCursor(list[len(list)-1]))
	}
	return writeJSON(w, http.StatusOK, page)
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
	c.CreatedAt = time.UnixMicro(int64(binary.BigEndian.Uint64(b))).UTC() //nolint:gosec // G115: likewise
	copy(c.Name[:], b[8:])
	return c, c.CreatedAt.Year() >= 1970 && c.CreatedAt.Year() <= 9999
}

func (a *API) getAsset(w http.ResponseWriter, r *http.Request) error {
	if err := a.needPictures(); err != nil {
		return err
	}
	stored, err := a.c.Pictures.Own(r.Context(), identityOf(r.Context()).UserID, r.PathValue("id"))
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, a.viewUpload(stored))
}

func (a *API) removeAsset(w http.ResponseWriter, r *http.Request) error {
	if err := a.needPictures(); err != nil {
		return err
	}
	if err := a.c.Pictures.RemoveUpload(r.Context(), identityOf(r.Context()).UserID, r.PathValue("id")); err != nil {
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
		return &apiError{
			code: codeMissingProof, detail: "Hand over pictures with the job's callback token as the bearer.",
			headers: challenge(`Bearer realm="aigen uploads"`),
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
		return newAPIError(codeInvalidProof, "The token is for another job than the one in the path.")
	}
	c := infoFrom(r.Context())
	c.generation, c.job = generation, job
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
	return writeJSON(w, status, a.viewUpload(stored))
}

// storedPicture serves GET /assets/<name>.
func (a *API) storedPicture(w http.ResponseWriter, r *http.Request, name aigen.AssetName) error {
	query := r.URL.Query()
	if !a.c.Links.Allowed(name, query.Get("expires"), query.Get("signature")) {
		return newAPIError(codeLinkExpired, "Ask for the generation again: it has a fresh link.")
	}
	size, ok := assets.ParseSize(query.Get("size"))
	if !ok {
		return invalid(aigen.FieldError{Location: "query.size", Message: "must be thumb, preview or original"})
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
		return newAPIError(codeRouteNotFound, "There is no such asset.")
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
	var content io.ReadSeeker = p.Object
	if f, ok := p.Object.(interface{ File() io.ReadSeeker }); ok {
		content = f.File() // lets package net use sendfile
	}
	aw := &assetWriter{ResponseWriter: w, kept: true}
	http.ServeContent(aw, r, "", p.StoredAt, content)
	if aw.refused == http.StatusRequestedRangeNotSatisfiable {
		return newAPIError(codeRangeNotSatisfied, "The file is shorter than that.")
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
	}, plain(name))
	if name = strings.Trim(shorten(name, 120), ". "); name == "" {
		return "picture"
	}
	return name
}
