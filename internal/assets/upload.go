package assets

import (
	"context"
	"crypto/sha256"
	"errors"
	"time"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/app"
)

// unfinished is how long the row of an upload waits for its bytes: after that, whoever
// brought them has died.
const unfinished = time.Hour

// UploadByUser stores a picture that a user brings. Errors have the codes
// CodeUnsupportedPicture and CodeUnusablePicture.
func (s *Service) UploadByUser(ctx context.Context, user aigen.ID, data []byte) (aigen.StoredAsset, error) {
	a := aigen.StoredAsset{Kind: aigen.AssetUpload, UserID: user}
	return s.upload(ctx, a, data, s.now().Add(s.c.UploadRetention))
}

// UploadByEngine stores a picture that an engine hands over for one of its jobs. The same
// bytes again give the same asset; again is true then. Errors have the codes CodeNotFound,
// CodeInvalidState (the job has ended), CodeUnsupportedPicture and CodeUnusablePicture.
func (s *Service) UploadByEngine(ctx context.Context, generation, job aigen.ID, data []byte) (a aigen.StoredAsset, again bool, err error) {
	var g *aigen.Generation
	_, err = s.c.Generations.Change(ctx, generation, func(now *aigen.Generation, _ *app.Change) (bool, error) {
		g = now
		return false, nil // only looked at
	})
	if err != nil {
		return a, false, err
	}
	if !g.AwaitsJob(job) || job.IsZero() {
		return a, false, &aigen.Error{Code: aigen.CodeInvalidState, Message: "The job has ended: nobody needs its pictures any more."}
	}
	before, err := s.c.Repository.UploadedFor(ctx, job, generation, sha256.Sum256(data))
	switch {
	case err == nil:
		return before, true, nil
	case !errors.Is(err, ErrNoAsset):
		return a, false, err
	}
	a = aigen.StoredAsset{
		Kind: aigen.AssetResult, UserID: g.UserID, GenerationID: generation, JobID: job, SourceType: app.SourceTypeOf(g),
	}
	// The report that names it has it stay with its generation. One that no report names
	// goes after a while.
	a, err = s.upload(ctx, a, data, time.Time{})
	return a, false, err
}

func (s *Service) upload(ctx context.Context, a aigen.StoredAsset, data []byte, removeAt time.Time) (aigen.StoredAsset, error) {
	a.Name, a.AssetID = s.c.Policy.NewAssetName(), s.c.Policy.NewID().String()
	a.State, a.CreatedAt = aigen.AssetWaiting, s.now()
	a.RemoveAt = a.CreatedAt.Add(unfinished)
	info, img, done, err := s.decode(ctx, data)
	if err != nil {
		return a, err // before anything is written
	}
	defer done()
	if err := s.c.Repository.AddAsset(ctx, a); err != nil {
		return a, err
	}
	facts, err := s.keep(ctx, a, data, info, img)
	if err != nil {
		return a, err // the row brings the removal of what was written
	}
	if removeAt.IsZero() {
		removeAt = s.now().Add(s.c.UploadRetention)
	}
	there, err := s.c.Repository.FinishAsset(ctx, a.Name, facts, removeAt)
	switch {
	case err != nil:
		return a, err
	case !there:
		return a, errors.New("the upload took longer than an hour and was removed")
	}
	a.State, a.Format, a.Width, a.Height, a.Size = aigen.AssetStored, facts.Format, facts.Width, facts.Height, facts.Size
	a.SHA256, a.SourceHash, a.StoredAt, a.RemoveAt = facts.SHA256, facts.SourceHash, facts.StoredAt, removeAt
	return a, nil
}

// Uploads returns a page of a user's uploads, newest first. more is whether there are others.
func (s *Service) Uploads(ctx context.Context, q UploadQuery) (page []aigen.StoredAsset, more bool, err error) {
	limit := q.Limit
	q.Limit++
	page, err = s.c.Repository.Uploads(ctx, q)
	if len(page) > limit {
		return page[:limit], true, err
	}
	return page, false, err
}

// Own returns a picture of the user by its id: an upload or a result. Error code:
// CodeAssetNotFound.
func (s *Service) Own(ctx context.Context, user aigen.ID, id string) (aigen.StoredAsset, error) {
	list, err := s.c.Repository.OwnAssets(ctx, user, []string{id})
	switch {
	case err != nil:
		return aigen.StoredAsset{}, err
	case len(list) == 0 || s.gone(list[0]):
		return aigen.StoredAsset{}, &aigen.Error{Code: aigen.CodeAssetNotFound, Message: "You have no asset with this id."}
	}
	return list[0], nil
}

// gone reports whether the time of a picture is over, though its bytes may be there.
func (s *Service) gone(a aigen.StoredAsset) bool {
	return !a.RemoveAt.IsZero() && !a.RemoveAt.After(s.now())
}

// RemoveUpload removes an upload of a user. Error codes: CodeAssetNotFound, CodeAssetInUse.
func (s *Service) RemoveUpload(ctx context.Context, user aigen.ID, id string) error {
	a, err := s.Own(ctx, user, id)
	if err != nil {
		return err
	}
	if a.Kind != aigen.AssetUpload || !a.GenerationID.IsZero() {
		return &aigen.Error{
			Code: aigen.CodeAssetInUse, Message: "The picture belongs to a generation. Delete the generation to remove it.",
		}
	}
	err = s.c.Repository.RemoveUpload(ctx, user, a.Name, s.now())
	if errors.Is(err, ErrInUse) {
		return &aigen.Error{Code: aigen.CodeAssetInUse, Message: "A generation works with this asset. Cancel it, or wait for its end."}
	}
	s.known.forget(a.Name)
	return err
}
