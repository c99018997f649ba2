package operations

import (
	"context"
	"time"

	"github.com/creativeflow/aigen"
)

// AllPage is a part of a list of generations of all users.
type AllPage struct {
	Items []*aigen.Generation
	Next  aigen.ID // for AllQuery.Before; zero: there is no more
}

// maxProjectSpan bounds the time in which a project is looked for among all users:
// no index leads from a project to its generations, only from its user.
const maxProjectSpan = 31 * 24 * time.Hour

// ListAllGenerations returns generations of all users, newest first. Limit is at
// least 1. A project without a user is looked for in 31 days: those before To, or
// before now, unless From says less. Error code: CodeInvalidInput.
func (o *Service) ListAllGenerations(ctx context.Context, q AllQuery) (AllPage, error) {
	if !q.From.IsZero() && !q.To.IsZero() && !q.From.Before(q.To) {
		return AllPage{}, &aigen.Error{
			Code: aigen.CodeInvalidInput, Message: "The time ends before it begins.",
			Fields: []aigen.FieldError{{Location: "query.from", Message: "must be before query.to"}},
		}
	}
	if !q.ProjectID.IsZero() && q.UserID.IsZero() {
		end := q.To
		if end.IsZero() {
			end = o.now()
		}
		if earliest := end.Add(-maxProjectSpan); q.From.Before(earliest) {
			q.From = earliest
		}
	}
	limit := q.Limit
	q.Limit++
	items, err := o.store.ListAll(ctx, q)
	if err != nil {
		return AllPage{}, err
	}
	page := AllPage{Items: items}
	if len(items) > limit {
		page.Items, page.Next = items[:limit], items[limit-1].ID
	}
	return page, nil
}
