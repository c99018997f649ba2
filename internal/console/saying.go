package console

import "net/http"

// A form without script answers with a redirect, and what it has to say is said by the
// page after it: a cookie of a minute carries which of these it is.
var afterwards = map[string]toast{
	"cancelled":  {Kind: "good", Title: "Cancelled", Text: "The reserved credits were refunded."},
	"retried":    {Kind: "good", Title: "Tried again", Text: "What was waiting here is due now."},
	"dropped":    {Kind: "good", Title: "Dropped", Text: "It is written down, with your reason."},
	"failed":     {Kind: "good", Title: "The generation was failed", Text: "What it had reserved is free again, and the user is told."},
	"signed-in":  {Kind: "good", Title: "Welcome"},
	"signed-out": {Kind: "good", Title: "You are signed out"},
}

const sayingCookie = "aigen-said"

func leaveSaying(w http.ResponseWriter, r *http.Request, which string) {
	http.SetCookie(w, newCookie(r, sayingCookie, which, 60))
}

func takeSaying(w http.ResponseWriter, r *http.Request) []toast {
	c, err := r.Cookie(sayingCookie)
	if err != nil {
		return nil
	}
	http.SetCookie(w, newCookie(r, sayingCookie, "", -1))
	if t, ok := afterwards[c.Value]; ok {
		return []toast{t}
	}
	return nil
}

// The theme is remembered in a cookie, so that a page is drawn right at once: no
// script may run before it.
const themeCookie = "aigen-theme"

func themeOf(r *http.Request) string {
	if c, err := r.Cookie(themeCookie); err == nil && (c.Value == "light" || c.Value == "dark") {
		return c.Value
	}
	return ""
}

// setTheme is the switch, with script or without.
func (k *Console) setTheme(w http.ResponseWriter, r *http.Request) error {
	if err := readForm(w, r); err != nil {
		return err
	}
	const year = 365 * 24 * 3600
	switch theme := r.PostFormValue("theme"); theme {
	case "light", "dark":
		http.SetCookie(w, newCookie(r, themeCookie, theme, year))
	default: // the system's again
		http.SetCookie(w, newCookie(r, themeCookie, "", -1))
	}
	if isPart(r) {
		w.WriteHeader(http.StatusNoContent)
		return nil
	}
	redirect(w, r, localPath(r.PostFormValue("next")))
	return nil
}
