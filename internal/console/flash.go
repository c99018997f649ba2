package console

import "net/http"

// A form without script answers with a redirect, and what it has to say is said by the
// page after it: a cookie of a minute carries which of these it is.
var flashes = map[string]toast{
	"cancelled":  {Kind: "good", Title: "Cancelled", Text: "The reserved credits were refunded."},
	"retried":    {Kind: "good", Title: "Retried", Text: "The delivery is due now."},
	"dropped":    {Kind: "good", Title: "Dropped", Text: "The action and your reason are in the list of actions."},
	"failed":     {Kind: "good", Title: "Generation marked as failed", Text: "Its reserved credits are refunded, and the user is told."},
	"signed-in":  {Kind: "good", Title: "Welcome"},
	"signed-out": {Kind: "good", Title: "You are signed out"},
}

const sayingCookie = "aigen-said"

func (k *Console) setFlash(w http.ResponseWriter, r *http.Request, which string) {
	http.SetCookie(w, k.newCookie(r, sayingCookie, which, 60))
}

func (k *Console) takeFlash(w http.ResponseWriter, r *http.Request) []toast {
	c, err := r.Cookie(sayingCookie)
	if err != nil {
		return nil
	}
	http.SetCookie(w, k.newCookie(r, sayingCookie, "", -1))
	if t, ok := flashes[c.Value]; ok {
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
		http.SetCookie(w, k.newCookie(r, themeCookie, theme, year))
	default: // the system's again
		http.SetCookie(w, k.newCookie(r, themeCookie, "", -1))
	}
	if isPart(r) {
		w.WriteHeader(http.StatusNoContent)
		return nil
	}
	redirect(w, r, localPath(r.PostFormValue("next")))
	return nil
}
