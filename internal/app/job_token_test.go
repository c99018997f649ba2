package app_test

import (
	"testing"

	"github.com/creativeflow/aigen-orchestrator/internal/app"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestJobTokens(t *testing.T) {
	t.Parallel()
	tokens, err := app.NewJobTokens([]byte("new"), []byte("old"))
	require.NoError(t, err)
	generation, job := newID(), newID()
	token := tokens.Make(generation, job)
	assert.Len(t, token, 64)

	got, err := tokens.Verify(generation, token)
	require.NoError(t, err)
	assert.Equal(t, job, got)

	old, err := app.NewJobTokens([]byte("old"))
	require.NoError(t, err)
	_, err = tokens.Verify(generation, old.Make(generation, job))
	require.NoError(t, err, "a secret that is being replaced")
	_, err = old.Verify(generation, token)
	require.ErrorIs(t, err, app.ErrTokenForged)
	_, err = tokens.Verify(newID(), token)
	require.ErrorIs(t, err, app.ErrTokenForged, "another generation")
	for _, s := range []string{"", "x", token[1:], token + "A", token[:63] + "=", " " + token[1:]} {
		_, err = tokens.Verify(generation, s)
		require.Error(t, err, s)
	}
	for i := range token {
		forged := []byte(token)
		forged[i] ^= 1
		_, err = tokens.Verify(generation, string(forged))
		require.Error(t, err, "byte %d", i)
	}
	_, err = app.NewJobTokens()
	require.Error(t, err)
	_, err = app.NewJobTokens(nil)
	require.Error(t, err)
}

func TestOneSpelling(t *testing.T) {
	t.Parallel()
	tokens, err := app.NewJobTokens([]byte("a secret for tests"))
	require.NoError(t, err)
	generation, job := newID(), newID()
	token, cursor := tokens.Make(generation, job), app.Cursor{ID: newID()}.String()
	for _, more := range []string{"\n", "\r", "\r\n", "=", " ", "A"} {
		for _, at := range []int{0, 17, len(cursor)} {
			_, err = tokens.Verify(generation, token[:at]+more+token[at:])
			require.ErrorIs(t, err, app.ErrTokenForm)
			_, err = app.ParseCursor(cursor[:at] + more + cursor[at:])
			require.ErrorIs(t, err, app.ErrCursor)
		}
	}
	_, err = tokens.Verify(generation, token)
	require.NoError(t, err)
}

func FuzzJobToken(f *testing.F) {
	tokens, err := app.NewJobTokens([]byte("a secret for tests"))
	require.NoError(f, err)
	generation := newID()
	f.Add("x")
	f.Add(tokens.Make(newID(), newID()))
	f.Fuzz(func(t *testing.T, s string) {
		_, err := tokens.Verify(generation, s)
		require.Error(t, err, "a token was guessed")
	})
}

func FuzzParseCursor(f *testing.F) {
	f.Add("")
	f.Add(app.Cursor{ID: newID()}.String())
	f.Fuzz(func(t *testing.T, s string) {
		c, err := app.ParseCursor(s)
		if err == nil {
			require.Equal(t, s, c.String(), "a cursor has one spelling")
		}
	})
}
