package assets

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"strconv"
	"time"

	"github.com/creativeflow/aigen"
)

// Links makes the URLs of pictures, and checks those that were signed.
type Links struct {
	base func() string // PUBLIC_BASE_URL, without a slash at the end
	ttl  time.Duration // 0: URLs are permanent and have no signature
	key  []byte
	now  func() time.Time
}

// NewLinks builds a Links. secret signs URLs where ttl is not 0.
func NewLinks(base func() string, ttl time.Duration, secret []byte, now func() time.Time) *Links {
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte("aigen asset links v1"))
	return &Links{base: base, ttl: ttl, key: mac.Sum(nil), now: now}
}

// URL is the URL of a picture. With a lifetime it holds until the end of the next full
// period, so that all URLs of that time are the same and can be cached.
func (l *Links) URL(name aigen.AssetName) string { return l.until(name, l.now().Add(l.ttl)) }

// URLUntil is a URL that works at least until a time.
func (l *Links) URLUntil(name aigen.AssetName, end time.Time) string {
	if soonest := l.now().Add(l.ttl); end.Before(soonest) {
		end = soonest
	}
	return l.until(name, end)
}

func (l *Links) until(name aigen.AssetName, end time.Time) string {
	url := l.base() + "/assets/" + name.String()
	if l.ttl <= 0 {
		return url
	}
	step := max(l.ttl/4, time.Second)
	if cut := end.Truncate(step); cut.Before(end) {
		end = cut.Add(step)
	}
	expires := strconv.FormatInt(end.Unix(), 10)
	return url + "?expires=" + expires + "&signature=" + l.sign(name, expires)
}

func (l *Links) sign(name aigen.AssetName, expires string) string {
	mac := hmac.New(sha256.New, l.key)
	mac.Write(name[:])
	mac.Write([]byte(expires))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// Allowed reports whether a request may have the picture.
func (l *Links) Allowed(name aigen.AssetName, expires, signature string) bool {
	if l.ttl <= 0 {
		return true
	}
	end, err := strconv.ParseInt(expires, 10, 64)
	if err != nil || !hmac.Equal([]byte(signature), []byte(l.sign(name, expires))) {
		return false
	}
	return l.now().Before(time.Unix(end, 0))
}

// Show fills in the URL of a picture that the service keeps.
func (l *Links) Show(a aigen.Asset) aigen.Asset {
	if l != nil && !a.Name.IsZero() {
		a.URL, a.Name = l.URL(a.Name), aigen.AssetName{}
	}
	return a
}

// CacheControl is for how long others may keep a picture: without end, or for as long as
// its URL works.
func (l *Links) CacheControl() string {
	if l.ttl <= 0 {
		return "public, max-age=31536000, immutable"
	}
	return "private, max-age=" + strconv.Itoa(int(l.ttl/time.Second)) + ", immutable"
}
