package worker

import (
	"net/url"
	"strings"
)

const generations = "/images/generations"

// endpoint is where pictures are asked for.
type endpoint struct {
	generate string // POST
	models   string // GET, which costs nothing
	origin   *url.URL
	azure    bool
}

// endpointOf reads IMAGE_API_URL: the base of the API, or the whole address that pictures
// are asked of. A query stays: Azure OpenAI wants ?api-version=….
func endpointOf(raw string) endpoint {
	u, err := url.Parse(raw)
	if err != nil { // the settings were checked; the request says what is wrong
		return endpoint{generate: raw, models: raw, origin: &url.URL{}}
	}
	base := strings.TrimRight(u.EscapedPath(), "/")
	base = strings.TrimRight(strings.TrimSuffix(base, generations), "/")
	at := func(path string) string {
		c := *u
		c.Fragment = ""
		c.Path, _ = url.PathUnescape(base + path)
		c.RawPath = base + path
		return c.String()
	}
	return endpoint{
		generate: at(generations), models: at("/models"), origin: u,
		azure: isAzure(u),
	}
}

// isAzure reports whether the address looks like Azure OpenAI, which wants its key in a
// header of its own.
func isAzure(u *url.URL) bool {
	host := strings.ToLower(u.Hostname())
	for _, end := range []string{".azure.com", ".azure-api.net", ".azure.us", ".azure.cn"} {
		if strings.HasSuffix(host, end) {
			return true
		}
	}
	return strings.Contains(u.Path, "/openai/deployments/") || u.Query().Has("api-version")
}

// sameOrigin reports whether u is at the server that was configured.
func (e endpoint) sameOrigin(u *url.URL) bool {
	return strings.EqualFold(u.Scheme, e.origin.Scheme) && hostPort(u) == hostPort(e.origin)
}

// hostPort has the port in any case.
func hostPort(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[strings.ToLower(u.Scheme)]
	}
	return strings.ToLower(u.Hostname()) + ":" + port
}
