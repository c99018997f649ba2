package odoo

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/httpcall"
)

// Check asks for the balance of a user that does not exist, which changes nothing,
// past the breaker and the limits. The error says what is wrong and which setting
// to change; it is for operators. An answer in JSON about the user is as good as a
// balance: the address, the database and the key are right.
func (s *Service) Check(ctx context.Context) error {
	a, err := s.getBalance(ctx, aigen.ID{})
	if err != nil {
		return explainFault(err)
	}
	o, isJSON := a.JSON()
	if !isJSON || a.Redirects() {
		return explainPage(a)
	}
	c := errorBodyOf(o)
	switch v := classifyStatus(opBalance, a, o, true); {
	case v.class == classAccess:
		return fmt.Errorf("odoo refuses the key (HTTP %d): set ODOO_API_KEY to the key of the credit addon", a.Status)
	case c.code == "unknown_user" || v.class == classPermanent:
		return nil
	}
	switch {
	case a.Status == http.StatusNotFound || a.Status == http.StatusMethodNotAllowed:
		return fmt.Errorf("there is no credit service (HTTP %d in JSON): "+
			"check the path of ODOO_SERVICE_URL; %s is added to it", a.Status, paths[opBalance])
	case a.Status != http.StatusOK && a.Status != http.StatusCreated:
		return fmt.Errorf("odoo is out of order (HTTP %d%s): see its log", a.Status, c.text())
	}
	if _, v := classifyBalance(a); v.class != classDone {
		return fmt.Errorf("the answer at ODOO_SERVICE_URL is not that of a credit service: %s; "+
			"check the address and the version of the addon", v.detail)
	}
	return nil
}

func explainFault(err error) error {
	var f *httpcall.CallError
	var certificate *tls.CertificateVerificationError
	switch {
	case errors.As(err, &certificate):
		return fmt.Errorf("the certificate of ODOO_SERVICE_URL is not trusted: %w", certificate)
	case errors.Is(err, http.ErrSchemeMismatch):
		return fmt.Errorf("ODOO_SERVICE_URL says https, but no TLS is spoken there: change it to http: %w", err)
	case errors.As(err, &f) && f.Kind == httpcall.TimedOut:
		return fmt.Errorf("odoo does not answer: %w; check ODOO_SERVICE_URL, or raise ODOO_TIMEOUT if Odoo is slow", err)
	case errors.As(err, &f) && f.Kind == httpcall.Unreachable:
		return fmt.Errorf("nothing answers at ODOO_SERVICE_URL: %w; check the host and the port, and that Odoo runs", err)
	}
	return fmt.Errorf("the answer at ODOO_SERVICE_URL is not that of a credit service: %w", err)
}

// explainPage is for an answer without JSON.
func explainPage(a httpcall.Answer) error {
	switch {
	case a.Redirects():
		return fmt.Errorf("the address redirects (HTTP %d), which is not followed: set ODOO_SERVICE_URL to where Odoo "+
			"itself is (https, the right host); if it leads to a login page, the addon's routes must not ask for a login", a.Status)
	case a.HTML() && a.Status == http.StatusNotFound:
		return errors.New("odoo answers HTTP 404 with a page: its database is gone, ODOO_DATABASE is not the name of one " +
			"(needed where an Odoo 19 has several; 17 and 18 go by their dbfilter alone), the credit addon is not installed in it, " +
			"or the path of ODOO_SERVICE_URL is wrong")
	case a.HTML():
		return fmt.Errorf("ODOO_SERVICE_URL answers HTTP %d with a page and not in JSON: "+
			"it is not where the credit addon is, or the addon has a fault; see Odoo's log", a.Status)
	}
	return fmt.Errorf("ODOO_SERVICE_URL answers HTTP %d, not in JSON: it is not where the credit addon is", a.Status)
}
