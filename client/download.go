package client

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"time"
)

// errTooLarge is returned for a picture larger than Config.MaxDownload.
var errTooLarge = errors.New("the picture is too large")

// Download saves the asset at rawURL, absolute or with the path alone, as path, and
// returns its size in bytes. The file is there as a whole or not at all. Without
// overwrite, a file that exists is left alone: the error is fs.ErrExist.
//
// The token is not sent: assets may lie anywhere, and whoever serves them has no
// business with it.
func (c *Client) Download(ctx context.Context, rawURL, path string, overwrite bool) (int64, error) {
	return c.DownloadAs(ctx, rawURL, path, overwrite, func(string) string { return path })
}

// DownloadAs is Download for who has to see the bytes before they can name the file. It
// lies beside stem first, and goes by the name that name gives it after a look; where
// that is taken, name is asked for another.
func (c *Client) DownloadAs(ctx context.Context, rawURL, stem string, overwrite bool, name func(part string) string) (int64, error) {
	u, err := c.AssetURL(rawURL)
	if err != nil {
		return 0, err
	}
	part := stem + "." + rand.Text()[:8] + ".part"
	f, err := os.OpenFile(part, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o666) //nolint:gosec // G302, G304: the user's own file, their umask
	if err != nil {
		return 0, err
	}
	defer os.Remove(part)
	n, err := c.fetch(ctx, u, f)
	if err = errors.Join(err, f.Close()); err != nil {
		return 0, err
	}
	for tried := ""; ; {
		to := name(part)
		if to == tried {
			return 0, &fs.PathError{Op: "create", Path: to, Err: fs.ErrExist}
		}
		if err := place(part, to, overwrite); !errors.Is(err, fs.ErrExist) {
			return n, err
		}
		tried = to
	}
}

// AssetURL is the whole URL of an asset: what has a path alone lies with the service.
func (c *Client) AssetURL(raw string) (string, error) {
	u, err := url.Parse(raw)
	if err != nil {
		return "", errors.New("the asset's URL is none")
	}
	if u.Host == "" && u.Scheme == "" && len(u.Path) > 0 && u.Path[0] == '/' {
		u.Scheme, u.Host = c.base.Scheme, c.base.Host
	}
	if (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
		return "", fmt.Errorf("the asset's URL is not one of the web: %.100q", raw)
	}
	return u.String(), nil
}

// fetch writes the asset into f, from the beginning at every try.
func (c *Client) fetch(ctx context.Context, u string, f *os.File) (int64, error) {
	for try := 1; ; try++ {
		n, err := c.fetchOnce(ctx, u, f)
		if err == nil {
			return n, f.Sync()
		}
		delay, again := c.again(ctx, err, try)
		if !again || errors.Is(err, errTooLarge) || errors.As(err, new(*fs.PathError)) {
			return 0, err
		}
		if sleep(ctx, delay) != nil {
			return 0, err
		}
		_, serr := f.Seek(0, io.SeekStart)
		if serr = errors.Join(serr, f.Truncate(0)); serr != nil {
			return 0, serr
		}
	}
}

func (c *Client) fetchOnce(ctx context.Context, u string, f io.Writer) (int64, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	silence := time.AfterFunc(c.IdleTimeout, func() { cancel(errors.New("the download came to a halt")) })
	defer silence.Stop()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u, nil)
	if err != nil {
		return 0, err
	}
	req.Header.Set("User-Agent", c.UserAgent)
	req.Header.Set("Accept", "image/*, */*;q=0.1")
	res, err := c.HTTPClient.Do(req)
	if err != nil {
		return 0, assetFault(ctx, u, err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		p := readProblem(res, time.Now())
		p.Title = "The picture is not to be had: " + req.URL.Host + " answered " + strconv.Itoa(res.StatusCode) + " " + http.StatusText(res.StatusCode)
		return 0, p
	}
	if res.ContentLength > c.MaxDownload {
		return 0, fmt.Errorf("%w: %d bytes, at most %d are taken", errTooLarge, res.ContentLength, c.MaxDownload)
	}
	body := &watched{r: res.Body, silence: silence, limit: c.IdleTimeout, contact: new(time.Time)}
	n, err := io.Copy(f, io.LimitReader(body, c.MaxDownload+1))
	switch {
	case n > c.MaxDownload:
		return 0, fmt.Errorf("%w: more than %d bytes", errTooLarge, c.MaxDownload)
	case err != nil:
		return 0, assetFault(ctx, u, err)
	}
	return n, nil
}

func assetFault(ctx context.Context, u string, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	var ue *url.Error
	if errors.As(err, &ue) {
		err = ue.Err
	}
	return fmt.Errorf("download %s: %w", u, err)
}

// place gives the finished file its name. A link fails if the name is taken, in one
// step; where the file system has none, an empty file takes the name first.
func place(part, path string, overwrite bool) error {
	if overwrite {
		return os.Rename(part, path)
	}
	err := os.Link(part, path)
	if err == nil || errors.Is(err, fs.ErrExist) {
		return err
	}
	claim, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o666) //nolint:gosec // G302, G304: as above
	if err != nil {
		return err
	}
	return errors.Join(claim.Close(), os.Rename(part, path))
}
