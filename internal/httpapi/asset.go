package httpapi

import (
	"io"
	"net/http"
	"strings"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/httpapi/wire"
)

// asset serves the pictures of the embedded engine. Their names are never used
// twice, so whoever has one may keep it for good.
func (a *API) asset(w http.ResponseWriter, r *http.Request) error {
	if name, err := aigen.ParseAssetName(strings.TrimPrefix(r.URL.Path, assetsPath)); err == nil && a.c.Pictures != nil {
		return a.storedPicture(w, r, name)
	}
	if a.c.Assets == nil {
		return wire.NewError(wire.CodeRouteNotFound, "There are no assets here.")
	}
	aw := &assetWriter{ResponseWriter: w}
	a.c.Assets.ServeHTTP(aw, r)
	switch aw.refused {
	case 0:
		return nil
	case http.StatusNotFound:
		return wire.NewError(wire.CodeRouteNotFound, "There is no such asset.")
	case http.StatusRequestedRangeNotSatisfiable:
		return wire.NewError(wire.CodeRangeNotSatisfied, "The file is shorter than that.")
	}
	if aw.refused >= http.StatusInternalServerError {
		return wire.NewError(aigen.CodeInternal, "The asset could not be read.")
	}
	return wire.NewError(wire.CodeUnknownError, "The asset cannot be had this way.")
}

// assetWriter lets good answers through with their headers, and holds bad ones
// back, which become problems.
type assetWriter struct {
	http.ResponseWriter
	started bool
	refused int
	kept    bool // the headers are set already
}

// Unwrap is for http.ResponseController.
func (w *assetWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *assetWriter) WriteHeader(status int) {
	if w.started {
		return
	}
	w.started = true
	if status >= http.StatusBadRequest {
		w.refused = status
		return
	}
	if w.kept {
		w.ResponseWriter.WriteHeader(status)
		return
	}
	h := w.Header()
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	// Opened by itself, nothing in it may run: the bytes come from an engine.
	h.Set("Content-Security-Policy", "default-src 'none'; sandbox; frame-ancestors 'none'")
	// Pages of other origins may show it: its name is what protects it.
	h.Set("Cross-Origin-Resource-Policy", "cross-origin")
	w.ResponseWriter.WriteHeader(status)
}

func (w *assetWriter) Write(b []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	if w.refused != 0 {
		return len(b), nil
	}
	return w.ResponseWriter.Write(b)
}

// ReadFrom keeps sendfile.
func (w *assetWriter) ReadFrom(src io.Reader) (int64, error) {
	w.WriteHeader(http.StatusOK)
	if w.refused != 0 {
		return io.Copy(io.Discard, src)
	}
	return io.Copy(w.ResponseWriter, src)
}
