package worker

import (
	"bufio"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/app"
	"github.com/creativeflow/aigen/internal/outbox"
)

// Assets keeps pictures as files and serves them under names that cannot be
// guessed: whoever has the name may see the picture, nobody can list them.
type Assets struct {
	folder  folder
	baseURL func() string
	key     []byte
}

// NewAssets keeps files in dir, made if need be. baseURL is asked for the URL below
// which Handler is mounted, without a slash at the end; key makes the names.
func NewAssets(dir string, baseURL func() string, key []byte) (*Assets, error) {
	a := &Assets{baseURL: baseURL}
	if err := a.folder.make(dir); err != nil {
		return nil, fmt.Errorf("folder for assets: %w", err)
	}
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte("aigen asset names v1"))
	a.key = mac.Sum(nil)
	a.clear()
	return a, nil
}

// clear removes what a process that was killed left half written. Young files are
// left alone: another process may be writing them.
func (a *Assets) clear() {
	root, err := a.folder.open()
	if err != nil {
		return
	}
	parts, err := fs.Glob(root.FS(), "*"+partSuffix)
	if err != nil {
		return // a folder that cannot be listed will say so at the first picture
	}
	for _, name := range parts {
		if info, err := root.Lstat(name); err == nil && time.Since(info.ModTime()) > time.Hour {
			_ = root.Remove(name)
		}
	}
}

const partSuffix = ".part"

// Close frees the folder.
func (a *Assets) Close() error { return a.folder.close() }

// id is the asset id for picture number i of a run's stage: the same for every job of
// that run, and known only to those who were told. 122 bits of it are a MAC.
func (a *Assets) id(j app.Job, kind string, i int) string {
	mac := hmac.New(sha256.New, a.key)
	mac.Write(j.RunID[:])
	mac.Write([]byte(kind + strconv.Itoa(i)))
	id := aigen.ID(mac.Sum(nil)[:16])
	id[6], id[8] = id[6]&0x0f|0x80, id[8]&0x3f|0x80 // version 8 (RFC 9562): made in a way of our own
	return id.String()
}

// url is where the file with this name is served.
func (a *Assets) url(name string) string { return a.baseURL() + "/assets/" + name }

// put writes a file as a whole or not at all, so that nobody is ever served half a
// picture. The same job may be worked on twice at the same time (a lease that ended
// too soon): each writes a file of its own, and the last one's name wins.
func (a *Assets) put(name string, write func(io.Writer) error) error {
	root, err := a.folder.open()
	if err != nil {
		return fmt.Errorf("write asset: %w", err)
	}
	tmp := name + "." + rand.Text() + partSuffix
	if err := writeFile(root, tmp, write); err != nil {
		_ = root.Remove(tmp) // what cannot be removed either is left for a person to see
		return fmt.Errorf("write asset: %w", err)
	}
	if err := root.Rename(tmp, name); err != nil {
		_ = root.Remove(tmp)
		return fmt.Errorf("write asset: %w", err)
	}
	return syncNames(root)
}

// syncNames makes new names outlive a loss of power, as the files' bytes do.
func syncNames(root *os.Root) error {
	d, err := root.Open(".")
	if err != nil {
		return fmt.Errorf("sync the folder of assets: %w", err)
	}
	return errors.Join(d.Sync(), d.Close())
}

func writeFile(root *os.Root, name string, write func(io.Writer) error) error {
	f, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	b := bufio.NewWriterSize(f, 64<<10)
	if err := write(b); err != nil {
		_ = f.Close()
		return err
	}
	// The database promises the picture once the report is in: it must survive a
	// loss of power as the report does.
	return errors.Join(b.Flush(), f.Sync(), f.Close())
}

// get reads a file that put wrote.
func (a *Assets) get(name string) ([]byte, error) {
	root, err := a.folder.open()
	if err != nil {
		return nil, err
	}
	return root.ReadFile(name)
}

// remove removes the files of one asset, those that there are.
func (a *Assets) remove(id string) {
	root, err := a.folder.open()
	if err != nil {
		return
	}
	for _, ending := range []string{".png", ".orig", ".prompt"} {
		_ = root.Remove(id + ending) // mostly not there; what stays is only in the way
	}
}

// forget removes what a job's run has made in its stage.
func (a *Assets) forget(j app.Job) {
	if j.JobType == outbox.DeliverFinalJob {
		a.remove(a.id(j, "final", 0))
		return
	}
	for i := range j.InputParameters.Samples {
		a.remove(a.id(j, "sample", i))
	}
}

// Handler serves GET and HEAD of /assets/<name>; all else goes to notFound. It never
// lists a folder.
func (a *Assets) Handler(notFound http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f, info := a.served(r)
		if f == nil {
			notFound.ServeHTTP(w, r)
			return
		}
		defer f.Close()
		w.Header().Set("Content-Type", "image/png")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		http.ServeContent(w, r, "", info.ModTime(), f)
	})
}

// assetName is the form of every name that is served. Originals (.orig) are not.
var assetName = regexp.MustCompile(`^(?:[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}|stub)\.png$`)

// served opens the file that a request asks for, nil if there is none to serve.
func (a *Assets) served(r *http.Request) (*os.File, os.FileInfo) {
	name, ok := strings.CutPrefix(r.URL.Path, "/assets/")
	if !ok || !assetName.MatchString(name) || (r.Method != http.MethodGet && r.Method != http.MethodHead) {
		return nil, nil
	}
	root, err := a.folder.open()
	if err != nil {
		return nil, nil
	}
	f, err := root.Open(name)
	if err != nil {
		return nil, nil
	}
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		_ = f.Close()
		return nil, nil
	}
	return f, info
}
