package app_test

import (
	"encoding/base64"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/app"
)

func TestJobTokens(t *testing.T) {
	t.Parallel()
	tokens, err := app.NewJobTokens([]byte("new"), []byte("old"))
	require.NoError(t, err)
	generation, job := newID(), newID()
	token := tokens.Make(generation, job)
	assert.Len(t, token, 86)

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
	for _, s := range []string{"", "x", token[1:], token + "A", token[:85] + "=", " " + token[1:]} {
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

// TestFirstFormOfJobTokens: what version 1 gave out, written down here, is still good,
// for its generation alone.
func TestFirstFormOfJobTokens(t *testing.T) {
	t.Parallel()
	tokens, err := app.NewJobTokens([]byte("new"), []byte("a secret for tests"))
	require.NoError(t, err)
	generation, err := aigen.ParseID("0198c0de-0000-7000-8000-000000000001")
	require.NoError(t, err)
	job, err := aigen.ParseID("0198c0de-0000-7000-8000-000000000002")
	require.NoError(t, err)
	const token = "AZjA3gAAcACAAAAAAAAAAptOagpBu8lYAcBeahvtYX-4wscIT1Tj0woLlRNGjYAG"
	got, err := tokens.Verify(generation, token)
	require.NoError(t, err)
	assert.Equal(t, job, got)
	_, err = tokens.Verify(newID(), token)
	require.ErrorIs(t, err, app.ErrTokenForged)
	_, _, err = tokens.Open(token)
	require.ErrorIs(t, err, app.ErrTokenFirstForm)

	made, of, err := tokens.Open(tokens.Make(generation, job))
	require.NoError(t, err)
	assert.Equal(t, []aigen.ID{generation, job}, []aigen.ID{made, of})
	// A MAC of one form is none of the other.
	second, err := base64.RawURLEncoding.DecodeString(tokens.Make(generation, job))
	require.NoError(t, err)
	_, err = tokens.Verify(generation, base64.RawURLEncoding.EncodeToString(second[16:]))
	require.ErrorIs(t, err, app.ErrTokenForged)
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
	other, err := app.NewJobTokens([]byte("another secret"))
	require.NoError(f, err)
	f.Add(other.Make(newID(), newID()))
	f.Add(other.Make(newID(), newID())[22:])
	f.Fuzz(func(t *testing.T, s string) {
		_, err := tokens.Verify(generation, s)
		require.Error(t, err, "a token was guessed")
		_, _, err = tokens.Open(s)
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
