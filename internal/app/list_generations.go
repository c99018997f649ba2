package app

import (
	"context"

	"github.com/creativeflow/aigen"
)

// Page is a part of a list.
type Page struct {
	Items []*aigen.Generation
	Next  *Cursor // nil: there is no more
}

// ListGenerations returns the user's generations, newest first. Limit is 1 to 100.
func (s *Service) ListGenerations(ctx context.Context, q ListQuery) (Page, error) {
	limit := q.Limit
	q.Limit++ // one more tells whether there is a next page
	items, err := s.store.List(ctx, q)
	if err != nil {
		return Page{}, err
	}
	page := Page{Items: items}
	if len(items) > limit {
		page.Items = items[:limit]
		last := page.Items[limit-1]
		page.Next = &Cursor{CreatedAt: last.CreatedAt, ID: last.ID}
	}
	return page, nil
}
