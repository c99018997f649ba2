package console

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"slices"
	"strconv"
	"strings"
)

//go:embed static
var staticFiles embed.FS

// static holds the files of the pages, read and compressed once. All lie under a
// version that changes with any of them: so a browser may keep them for good, and the
// modules of a page find each other by relative paths.
type static struct {
	version string
	files   map[string]staticFile
}

type staticFile struct {
	mime   string
	plain  []byte
	zipped []byte // nil where it would be no smaller
}

// mimeTypes are not left to the machine's table, which may have none.
var mimeTypes = map[string]string{
	".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml",
	".woff2": "font/woff2", ".txt": "text/plain; charset=utf-8", ".png": "image/png", ".ico": "image/x-icon",
}

func newStatic() (*static, error) {
	s := &static{files: map[string]staticFile{}}
	sum := sha256.New()
	err := fs.WalkDir(staticFiles, "static", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := staticFiles.ReadFile(name)
		if err != nil {
			return err
		}
		name = strings.TrimPrefix(name, "static/")
		sum.Write([]byte(name + "\x00" + strconv.Itoa(len(b)) + "\x00"))
		sum.Write(b)
		f := staticFile{mime: mimeTypes[path.Ext(name)], plain: b}
		if f.mime == "" {
			f.mime = mime.TypeByExtension(path.Ext(name))
		}
		if z := zip(b, gzip.BestCompression); len(z) < len(b)*9/10 {
			f.zipped = z
		}
		s.files[name] = f
		return nil
	})
	s.version = hex.EncodeToString(sum.Sum(nil)[:6])
	return s, err
}

func zip(b []byte, level int) []byte {
	var out bytes.Buffer
	w, err := gzip.NewWriterLevel(&out, level)
	if err != nil {
		return b // a level that does not exist: no caller has one
	}
	_, _ = w.Write(b) // into memory: cannot fail
	_ = w.Close()
	return out.Bytes()
}

// url is where a page finds a file.
func (s *static) url(name string) string { return staticPath + s.version + "/" + name }

// modules are those that console.js imports: named in the page, they are fetched at
// once and not one after the other.
func (s *static) modules() []string {
	var all []string
	for name := range s.files {
		if strings.HasPrefix(name, "js/") && name != "js/console.js" {
			all = append(all, name)
		}
	}
	slices.Sort(all)
	return all
}

// staticFile serves one. Under the version of another release it is served too, and
// not to be kept: a page that is still open may ask.
func (k *Console) staticFile(w http.ResponseWriter, r *http.Request) error {
	f, ok := k.static.files[r.PathValue("name")]
	if !ok {
		return errNoPage
	}
	h := w.Header()
	h.Set("Cache-Control", "no-cache")
	if r.PathValue("version") == k.static.version {
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	h.Set("Content-Type", f.mime)
	writeZipped(w, r, http.StatusOK, f.plain, f.zipped)
	return nil
}

// rootFiles are asked for by name, whatever a page says: by browsers for their tabs and
// home screens, and by crawlers.
var rootFiles = []string{"favicon.ico", "apple-touch-icon.png", "robots.txt"}

func rootFileRoutes() []route {
	var all []route
	for _, name := range rootFiles {
		all = append(all, route{method: http.MethodGet, path: "/" + name, quiet: true, handle: func(k *Console, w http.ResponseWriter, r *http.Request) error {
			f := k.static.files[name]
			w.Header().Set("Cache-Control", "public, max-age=86400")
			w.Header().Set("Content-Type", f.mime)
			writeZipped(w, r, http.StatusOK, f.plain, f.zipped)
			return nil
		}})
	}
	return all
}

// writeZipped writes the form that the client takes; zipped nil: there is only one.
func writeZipped(w http.ResponseWriter, r *http.Request, status int, plain, zipped []byte) {
	h := w.Header()
	if zipped != nil {
		h.Add("Vary", "Accept-Encoding")
		if takesGzip(r.Header.Values("Accept-Encoding")) {
			h.Set("Content-Encoding", "gzip")
			plain = zipped
		}
	}
	h.Set("Content-Length", strconv.Itoa(len(plain)))
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(plain) // the client may be gone
	}
}

func takesGzip(accept []string) bool {
	for part := range strings.SplitSeq(strings.Join(accept, ","), ",") {
		name, q, _ := strings.Cut(strings.TrimSpace(part), ";")
		if strings.TrimSpace(name) != "gzip" && strings.TrimSpace(name) != "*" {
			continue
		}
		q = strings.TrimPrefix(strings.ReplaceAll(q, " ", ""), "q=")
		weight, err := strconv.ParseFloat(q, 64)
		return q == "" || err == nil && weight > 0
	}
	return false
}
