package webhooksig_test

import (
	"encoding/json"
	"flag"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen/internal/webhooksig"
)

// vectorsFile is shared with integrations/n8n/nodes-aigen, whose tests hold their own
// implementation against it: what one side signs the other must accept, and what one
// refuses the other must refuse, for the same reason.
const vectorsFile = "testdata/vectors.json"

var update = flag.Bool("update-vectors", false, "write "+vectorsFile+" anew")

// vector is one message, and what Verify says of it with these secrets at this time.
type vector struct {
	Name      string `json:"name"`
	Secret    string `json:"secret"` // as in N8N_CALLBACK_SECRET: comma-separated
	ID        string `json:"id"`
	Timestamp string `json:"timestamp"`
	Body      string `json:"body"`
	Signature string `json:"signature"`
	Now       int64  `json:"now"`
	Signs     bool   `json:"signs"`   // Sign with the first secret gives this very signature
	Refusal   string `json:"refusal"` // "" if it is accepted
}

// refusals are the names of the errors in the file.
var refusals = map[string]error{
	"": nil, "missing": webhooksig.ErrMissing, "malformed": webhooksig.ErrMalformed,
	"timestamp": webhooksig.ErrTimestamp, "mismatch": webhooksig.ErrMismatch,
}

func TestSharedVectors(t *testing.T) {
	t.Parallel()
	if *update {
		text, err := json.MarshalIndent(makeVectors(t), "", "  ")
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(vectorsFile, append(text, '\n'), 0o644))
	}
	text, err := os.ReadFile(vectorsFile)
	require.NoError(t, err)
	var vectors []vector
	require.NoError(t, json.Unmarshal(text, &vectors))
	require.Greater(t, len(vectors), 20)
	for _, v := range vectors {
		t.Run(v.Name, func(t *testing.T) {
			t.Parallel()
			all := secrets(t, strings.Split(v.Secret, ",")...)
			h := webhooksig.Headers{ID: v.ID, Timestamp: v.Timestamp, Signature: v.Signature}
			want, known := refusals[v.Refusal]
			require.True(t, known, v.Refusal)
			require.ErrorIs(t, webhooksig.Verify(all, h, []byte(v.Body), time.Unix(v.Now, 0)), want)
			if v.Signs {
				seconds, err := strconv.ParseInt(v.Timestamp, 10, 64)
				require.NoError(t, err)
				require.Equal(t, v.Signature, webhooksig.Sign(all[0], v.ID, time.Unix(seconds, 0), []byte(v.Body)))
			}
		})
	}
}

// makeVectors is what the file is written from, with Sign.
func makeVectors(t *testing.T) []vector {
	t.Helper()
	const id, body = "0198c0de-0000-7000-8000-000000000001", `{"jobId":"0198c0de-0000-7000-8000-000000000001","inputPrompt":"Füchse 🦊 im Schnee"}`
	signed := func(name, secret string, change func(*vector)) vector {
		v := vector{Name: name, Secret: secret, ID: id, Timestamp: strconv.Itoa(specTimestamp), Body: body, Now: specTimestamp}
		first, _, _ := strings.Cut(secret, ",")
		v.Signature = webhooksig.Sign(secrets(t, first)[0], v.ID, specTime, []byte(v.Body))
		v.Signs = change == nil
		if change != nil {
			change(&v)
		}
		return v
	}
	const text, text2 = "a secret of plain text", "another of them 🗝"
	foreign := webhooksig.Sign(secrets(t, text2)[0], id, specTime, []byte(body))
	all := []vector{
		{Name: "the spec's example", Secret: specSecret, ID: specID, Timestamp: strconv.Itoa(specTimestamp), Body: specBody,
			Signature: specSignature, Now: specTimestamp, Signs: true},
		signed("a text as key", text, nil),
		signed("a text beyond ASCII as key", text2, nil),
		signed("whsec_ with padding", specSecret+"=", nil),
		signed("the first of two secrets signs", text+","+text2, nil),
		signed("the second is accepted", text2+","+text, func(v *vector) { v.Secret = text + "," + text2 }),
		signed("five minutes old", text, func(v *vector) { v.Now += 300 }),
		signed("five minutes ahead", text, func(v *vector) { v.Now -= 300 }),
		signed("right among wrong", text, func(v *vector) { v.Signature = foreign + " v1a,xyz v1, " + v.Signature }),
		signed("right behind 15", text, func(v *vector) { v.Signature = strings.Repeat(foreign+" ", 15) + v.Signature }),
	}
	refuse := func(name, refusal string, change func(*vector)) {
		v := signed(name, text, change)
		v.Refusal = refusal
		all = append(all, v)
	}
	refuse("too old", "timestamp", func(v *vector) { v.Now += 301 })
	refuse("too far ahead", "timestamp", func(v *vector) { v.Now -= 301 })
	refuse("no id", "missing", func(v *vector) { v.ID = "" })
	refuse("no timestamp", "missing", func(v *vector) { v.Timestamp = "" })
	refuse("no signature", "missing", func(v *vector) { v.Signature = "" })
	refuse("another id", "mismatch", func(v *vector) { v.ID += "x" })
	refuse("another body", "mismatch", func(v *vector) { v.Body += " " })
	refuse("another secret", "mismatch", func(v *vector) { v.Secret = text2 })
	refuse("another time", "mismatch", func(v *vector) { v.Timestamp = strconv.Itoa(specTimestamp + 1) })
	refuse("right behind 16", "mismatch", func(v *vector) { v.Signature = strings.Repeat(foreign+" ", 16) + v.Signature })
	refuse("a long id", "malformed", func(v *vector) { v.ID = strings.Repeat("x", 257) })
	refuse("a long signature", "malformed", func(v *vector) { v.Signature += strings.Repeat(" ", 2048) })
	refuse("milliseconds", "malformed", func(v *vector) { v.Timestamp += "000" })
	refuse("a sign before the time", "malformed", func(v *vector) { v.Timestamp = "+" + v.Timestamp })
	refuse("a zero before the time", "malformed", func(v *vector) { v.Timestamp = "0" + v.Timestamp })
	refuse("no version", "malformed", func(v *vector) { v.Signature = v.Signature[3:] })
	refuse("separated by a comma", "malformed", func(v *vector) { v.Signature = foreign + "," + v.Signature })
	refuse("no base64", "malformed", func(v *vector) { v.Signature = "v1," + strings.Repeat("*", 44) })
	refuse("cut off", "malformed", func(v *vector) { v.Signature = v.Signature[:20] })
	refuse("stray bits in the last character", "malformed", strayBits)
	return all
}

// strayBits spells the same sum in another way, which strict base64 does not allow.
func strayBits(v *vector) {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
	last := len(v.Signature) - 2 // before the padding
	v.Signature = v.Signature[:last] + string(alphabet[strings.IndexByte(alphabet, v.Signature[last])+1]) + "="
}
