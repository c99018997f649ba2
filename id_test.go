package aigen_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen"
)

const someID = "019362a4-5b7c-7def-8123-456789abcdef"

func TestParseID(t *testing.T) {
	t.Parallel()
	id, err := aigen.ParseID(someID)
	require.NoError(t, err)
	assert.Equal(t, aigen.ID{0x01, 0x93, 0x62, 0xa4, 0x5b, 0x7c, 0x7d, 0xef, 0x81, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef}, id)
	assert.Equal(t, someID, id.String())

	upper, err := aigen.ParseID(strings.ToUpper(someID))
	require.NoError(t, err)
	assert.Equal(t, id, upper, "one id has one spelling on the way out")

	none, err := aigen.ParseID("00000000-0000-0000-0000-000000000000")
	require.NoError(t, err)
	assert.True(t, none.IsZero())
	assert.False(t, id.IsZero())
}

func TestParseIDRefuses(t *testing.T) {
	t.Parallel()
	bad := []string{
		"", " ", "x", strings.ReplaceAll(someID, "-", ""), "{" + someID + "}", "urn:uuid:" + someID,
		" " + someID, someID + " ", someID + "\n", someID[:35], someID + "0",
		"g" + someID[1:], someID[:35] + "g", strings.Replace(someID, "-", "_", 1), strings.Replace(someID, "-", "0", 1),
		"0193-62a45b7c-7def-8123-456789abcdef", "019362a4-5b7c-7def-8123-456789abcd\x00f",
		"019362a4-5b7c-7def-8123-456789abcdé",
	}
	for hyphen := range 36 { // a hyphen more, in the place of each digit
		if someID[hyphen] != '-' {
			bad = append(bad, someID[:hyphen]+"-"+someID[hyphen+1:])
		}
	}
	for _, s := range bad {
		id, err := aigen.ParseID(s)
		require.ErrorIs(t, err, aigen.ErrID, "%q", s)
		assert.True(t, id.IsZero(), "%q", s)
	}
}

func TestIDInJSON(t *testing.T) {
	t.Parallel()
	id, err := aigen.ParseID(someID)
	require.NoError(t, err)
	b, err := json.Marshal(map[aigen.ID]aigen.ID{id: id})
	require.NoError(t, err)
	assert.JSONEq(t, `{"`+someID+`":"`+someID+`"}`, string(b))
	var back map[aigen.ID]aigen.ID
	require.NoError(t, json.Unmarshal(b, &back))
	assert.Equal(t, map[aigen.ID]aigen.ID{id: id}, back)

	kept := id
	require.Error(t, json.Unmarshal([]byte(`"nonsense"`), &kept))
	assert.Equal(t, id, kept, "a refused text leaves the value alone")
}

func TestFingerprintText(t *testing.T) {
	t.Parallel()
	for _, f := range []aigen.Fingerprint{{}, {1}, {15: 0xff}} {
		b, err := f.MarshalText()
		require.NoError(t, err)
		back := aigen.Fingerprint{9}
		require.NoError(t, back.UnmarshalText(b))
		assert.Equal(t, f, back)
	}
	none, err := aigen.Fingerprint{}.MarshalText()
	require.NoError(t, err)
	assert.Empty(t, none)
	for _, bad := range []string{"0", strings.Repeat("0", 31), strings.Repeat("0", 33), strings.Repeat("g", 32)} {
		var f aigen.Fingerprint
		require.Error(t, f.UnmarshalText([]byte(bad)), bad)
	}
}
