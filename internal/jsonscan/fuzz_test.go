package jsonscan_test

import (
	"encoding/json"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen/internal/jsonscan"
)

// manyKeys is an object with n of them.
func manyKeys(n int) string {
	keys := make([]string, n)
	for i := range keys {
		keys[i] = `"k` + strconv.Itoa(i) + `":{"a":[]}`
	}
	return "{" + strings.Join(keys, ",") + "}"
}

// FuzzJSON: the short way to check a body takes nothing that the long way refuses, and
// all that it takes but for escaped and very many keys; and what is taken apart by hand
// are the parts that encoding/json finds.
func FuzzJSON(f *testing.F) {
	for _, seed := range []string{
		`{"projectId":"0198c0de-0000-7000-8000-000000000000","inputPrompt":"a red fox in the snow","inputParameters":{"samples":2}}`, `{}`, `[]`, ` [ 1 , -0.5e+3 , "a\u00e9\ud83d\ude00\n" , true , false , null ] `, `{"a":{"b":[{"c":"d"}]},"e":0}`,
		`{"a":1,"a":2}`, `{"a":{"a":1},"b":{"a":1}}`, `{"\u0061":1,"a":2}`, `"\ud83d"`, `"\ude00\ud83d"`, `"\u12g4"`, "\"\\u\x10\x10\x10\x10\"",
		`01`, `-`, `1.`, `1e`, `.5`, `+1`, `1E-07`, `-0`, `nul`, `truefalse`, `{"a":1,}`, `[1,]`, `[,1]`, `{,}`, `{"a" 1}`, `{1:2}`, `{} x`, `{}{}`,
		"\"\x00\"", "\"\xff\"", "\xef\xbb\xbf{}", "\"\x7f\u2028\"", ``, ` `, `"`, `"\`, `"\u`, `"\"`, `{"a`, `{"a":`, `{"a":"\\"}`, `[" \\\" ] "]`,
		`{"b":"<&>","a":"é"," ":["\u003c\/"],"B":{"é":1,"e":2},"":0}`, `{"a":"\ud800"}`,
		strings.Repeat("[", 32) + strings.Repeat("]", 32), strings.Repeat("[", 33) + strings.Repeat("]", 33), manyKeys(64), manyKeys(65), manyKeys(200),
	} {
		f.Add([]byte(seed), true)
		f.Add([]byte(seed), false)
	}
	f.Fuzz(func(t *testing.T, body []byte, whole bool) {
		plain, err := jsonscan.PlainJSON(body, whole), jsonscan.CheckClosely(body, whole)
		if plain && err != nil {
			t.Fatalf("%q was taken, and has a fault: %v", body, err)
		}
		if err != nil {
			return
		}
		if keys := strings.Count(string(body), ":"); !plain && keys < 64 && !strings.Contains(string(body), `\`) {
			t.Fatalf("%q is as plain as can be, and was not taken", body)
		}
		takenApart(t, body)
		want, err := jsonscan.DecodedCanonical(body)
		require.NoError(t, err)
		got, err := jsonscan.Canonical(body)
		require.NoError(t, err)
		require.Equal(t, string(want), string(got))
	})
}

// takenApart compares a valid value's parts, and theirs, with those of encoding/json.
func takenApart(t *testing.T, raw []byte) {
	t.Helper()
	var object map[string]json.RawMessage
	wanted := json.Unmarshal(raw, &object) == nil && object != nil
	members := jsonscan.Members(raw)
	if wanted != (members != nil) {
		t.Fatalf("%q: an object: %t", raw, !wanted)
	}
	require.Len(t, members, len(object))
	for _, m := range members {
		require.Equal(t, object[string(m.Name)], m.Value)
	}
	for _, v := range object {
		takenApart(t, v)
	}
	var list []json.RawMessage
	wanted = json.Unmarshal(raw, &list) == nil && list != nil
	elements, ok := jsonscan.Elements(raw)
	if wanted != ok {
		t.Fatalf("%q: a list: %t", raw, ok)
	}
	if len(list) > 0 {
		require.Equal(t, list, elements)
	}
	for _, v := range list {
		takenApart(t, v)
	}
}
