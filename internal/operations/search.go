package operations

import (
	"context"
	"errors"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/creativeflow/aigen"
)

// MatchKind says what a found id is.
type MatchKind string

// The kinds of matches.
const (
	MatchGeneration MatchKind = "generation"
	MatchRun        MatchKind = "run" // or a job: what a run did
	MatchDelivery   MatchKind = "delivery"
	MatchUser       MatchKind = "user"
	MatchProject    MatchKind = "project"
)

// Match is something that an id stands for.
type Match struct {
	Kind         MatchKind
	ID           aigen.ID
	GenerationID aigen.ID // zero for a user and a project, who have many
}

// uuidPattern finds ids in what people paste: a line of a log, a URL, a name of a
// picture.
var uuidPattern = regexp.MustCompile(`[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}`)

// The bounds of a search: of the text that is looked at, and of the ids in it.
const (
	maxSearchText = 4096
	maxSearchIDs  = 5
)

// runSearchBefore is how long before a job its run may have been asked for: a run's
// jobs share one deadline, which is far shorter by default.
const runSearchBefore = 2 * time.Hour

// Search finds what the ids in a text stand for: a generation, a run (the reference
// of its reservation at the credit service), a job, a delivery that is not made, a
// user, a project of the last 31 days. Names of pictures are the engine's own and are
// found if they hold one of these ids. Error code: CodeInvalidInput where the text
// holds no id.
func (o *Service) Search(ctx context.Context, text string) ([]Match, error) {
	if len(text) > maxSearchText {
		text = text[:maxSearchText]
	}
	words := uuidPattern.FindAllString(text, -1)
	if len(words) == 0 {
		return nil, &aigen.Error{
			Code: aigen.CodeInvalidInput, Message: "There is no id in this.",
			Fields: []aigen.FieldError{{Location: "query.q", Message: "must hold a UUID: of a generation, run, job, delivery, user or project"}},
		}
	}
	var ids []aigen.ID
	for _, word := range words {
		id, err := aigen.ParseID(strings.ToLower(word))
		if err == nil && !id.IsZero() && !slices.Contains(ids, id) && len(ids) < maxSearchIDs {
			ids = append(ids, id)
		}
	}
	var found []Match
	for _, id := range ids {
		list, err := o.find(ctx, id)
		if err != nil {
			return nil, err
		}
		found = append(found, list...)
	}
	return found, nil
}

// find asks the cheapest first, and no further once it knows. A delivery has the id
// of its job, and says more.
func (o *Service) find(ctx context.Context, id aigen.ID) ([]Match, error) {
	for _, look := range []func(context.Context, aigen.ID) (Match, error){
		o.findGeneration, o.findDelivery, o.findRun, o.findUser, o.findProject,
	} {
		m, err := look(ctx, id)
		if err == nil {
			return []Match{m}, nil
		}
		if !errors.Is(err, aigen.ErrNotFound) && aigen.CodeOf(err) != aigen.CodeDeliveryNotFound {
			return nil, err
		}
	}
	return nil, nil
}

func (o *Service) findGeneration(ctx context.Context, id aigen.ID) (Match, error) {
	g, err := o.store.Get(ctx, id)
	if err != nil {
		return Match{}, err
	}
	return Match{Kind: MatchGeneration, ID: id, GenerationID: g.ID}, nil
}

func (o *Service) findDelivery(ctx context.Context, id aigen.ID) (Match, error) {
	d, err := o.GetDelivery(ctx, id)
	if err != nil {
		return Match{}, err
	}
	return Match{Kind: MatchDelivery, ID: id, GenerationID: d.GenerationID}, nil
}

func (o *Service) findRun(ctx context.Context, id aigen.ID) (Match, error) {
	at, known := TimeOfID(id)
	if !known {
		return Match{}, aigen.ErrNotFound
	}
	g, err := o.store.FindRun(ctx, id, at.Add(-runSearchBefore), at.Add(idSlack))
	if err != nil {
		return Match{}, err
	}
	return Match{Kind: MatchRun, ID: id, GenerationID: g}, nil
}

func (o *Service) findUser(ctx context.Context, id aigen.ID) (Match, error) {
	list, err := o.store.ListAll(ctx, AllQuery{UserID: id, Limit: 1})
	if err != nil || len(list) == 0 {
		return Match{}, orNotFound(err)
	}
	return Match{Kind: MatchUser, ID: id}, nil
}

func (o *Service) findProject(ctx context.Context, id aigen.ID) (Match, error) {
	page, err := o.ListAllGenerations(ctx, AllQuery{ProjectID: id, Limit: 1})
	if err != nil || len(page.Items) == 0 {
		return Match{}, orNotFound(err)
	}
	return Match{Kind: MatchProject, ID: id}, nil
}

func orNotFound(err error) error {
	if err == nil {
		return aigen.ErrNotFound
	}
	return err
}
