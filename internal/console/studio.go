package console

import "net/http"

func (k *Console) studio(w http.ResponseWriter, r *http.Request) error {
	k.render(w, r, http.StatusOK, "studio", "layout", page{Title: "Studio", Nav: "studio"})
	return nil
}
