package postgres_test

import (
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/app"
	"github.com/creativeflow/aigen/internal/postgres"
)

// GetMany loads what Get loads, and leaves out what is not there.
func TestGetMany(t *testing.T) {
	t.Parallel()
	s, p := open(t, database(t), postgres.Options{InitialCredits: 10_000}), policy()
	var all []aigen.ID
	for range 5 {
		c := accept(t, p, aigen.ID(uuid.New()))
		require.NoError(t, s.Apply(t.Context(), []*app.Change{c})[0])
		all = append(all, c.Generation.ID)
	}
	missing := p.NewID()
	for _, wanted := range [][]aigen.ID{all[:1], all, append([]aigen.ID{missing, all[2], all[2]}, all...), {missing}, {missing, p.NewID()}} {
		found, err := s.GetMany(t.Context(), wanted)
		require.NoError(t, err)
		for _, id := range wanted {
			one, err := s.Get(t.Context(), id)
			if id == missing || err != nil {
				require.ErrorIs(t, err, aigen.ErrNotFound)
				require.NotContains(t, found, id)
				continue
			}
			require.Equal(t, one, found[id])
		}
	}
}
