package image

import (
	"bytes"
	"encoding/json"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/client"
)

// user is somebody with a token, which the container's own command made.
func (c *container) user(id uuid.UUID) *client.Client {
	c.t.Helper()
	token := must(c.t, "exec", c.name, "/usr/local/bin/aigen", "token", "--user", id.String())
	u, err := client.New(client.Config{BaseURL: c.url, Token: client.Static(token)})
	require.NoError(c.t, err)
	c.t.Cleanup(u.CloseIdle)
	return u
}

// order asks for a creative.
func order(t *testing.T, u *client.Client) aigen.ID {
	t.Helper()
	accepted, err := u.Create(t.Context(), client.NewGeneration{
		ProjectID: aigen.ID(uuid.New()), InputPrompt: "a red fox in the snow",
		InputParameters: json.RawMessage(`{"format":"Custom","resolution":"640x480","samples":2}`),
	}, "")
	require.NoError(t, err)
	return accepted.GenerationID
}

// follow reads the event stream from its beginning up to an event of this type.
func follow(t *testing.T, u *client.Client, id aigen.ID, until aigen.EventType) client.Event {
	t.Helper()
	for event, err := range u.Stream(t.Context(), id, "") {
		require.NoError(t, err)
		if event.Type == until {
			return event
		}
		require.False(t, event.Terminal(), "%s: %s", event.Type, event.Raw)
	}
	t.Fatalf("the stream ended without %s", until)
	return client.Event{}
}

// finish takes the first sample and checks the picture that comes of it.
func finish(t *testing.T, c *container, u *client.Client, id aigen.ID) {
	t.Helper()
	ready := follow(t, u, id, aigen.EventSamplesReady)
	require.Len(t, ready.Data.SampleAssets, 2)
	_, err := u.Select(t.Context(), id, ready.Data.SampleAssets[0].AssetID, aigen.Resolution{})
	require.NoError(t, err)
	follow(t, u, id, aigen.EventCompleted)

	g, err := u.Get(t.Context(), id)
	require.NoError(t, err)
	require.Equal(t, aigen.StatusCompleted, g.Status)
	require.Equal(t, "1.50", g.Credits.Deducted.String(), "two samples and a final picture")
	require.Equal(t, g.Credits.Reserved, g.Credits.Deducted, "the money rule: nothing is still held")

	// Without CALLBACK_BASE_URL pictures lie under the port in the container; out
	// here that port has another number.
	_, name, ok := strings.Cut(g.FinalAsset.URL, "/assets/")
	require.True(t, ok, g.FinalAsset.URL)
	path := filepath.Join(t.TempDir(), "fox.png")
	_, err = u.Download(t.Context(), c.url+"/assets/"+name, path, false)
	require.NoError(t, err)
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	picture, err := png.Decode(bytes.NewReader(data))
	require.NoError(t, err)
	require.Equal(t, 640, picture.Bounds().Dx())
	require.Equal(t, 480, picture.Bounds().Dy())
	require.Greater(t, colours(picture.At, 640, 480), 50, "a picture, and not a blank")
}

func TestAWholeGeneration(t *testing.T) {
	t.Parallel()
	c := run(t, volume(t))
	require.True(t, strings.HasPrefix(c.url, "http://127.0.0.1:"), c.url)
	u := c.user(uuid.New())
	finish(t, c, u, order(t, u))
	require.Equal(t, "0", c.stop())
}

// What was ordered before SIGTERM is there after it, in another container on the
// same volume, and goes on.
func TestSurvivesANewContainer(t *testing.T) {
	t.Parallel()
	data, person := volume(t), uuid.New()
	first := run(t, data)
	u := first.user(person)
	before := order(t, u)
	follow(t, u, before, aigen.EventSamplesReady)
	underWay := order(t, u)
	require.Equal(t, "0", first.stop(), "drained")
	require.True(t, first.said("stopping"))
	require.True(t, first.said("stopped"))

	second := run(t, data)
	u = second.user(person)
	for _, id := range []aigen.ID{before, underWay} {
		finish(t, second, u, id)
	}
	credits, err := u.Credits(t.Context())
	require.NoError(t, err)
	require.Equal(t, "97.00", credits.Available.String())
	require.Zero(t, credits.Reserved)

	// The same container again, as a restart policy or a reboot would.
	require.Equal(t, "0", second.stop())
	must(t, "start", second.name)
	second.url = "http://" + must(t, "port", second.name, "8000/tcp")
	u = second.user(person)
	eventually(t, "the restarted container answers", func() bool {
		g, err := u.Get(t.Context(), before)
		return err == nil && g.Status == aigen.StatusCompleted
	})
}
