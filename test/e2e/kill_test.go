package e2e

import (
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen/internal/testprogram"
)

// kills is how often TestKill kills the program.
func kills(t *testing.T) int {
	if s := os.Getenv("AIGEN_KILLS"); s != "" {
		n, err := strconv.Atoi(s)
		require.NoError(t, err, "AIGEN_KILLS")
		return n
	}
	return 20
}

// TestKill kills the program at random moments of many generations and looks into
// the database after each: the money rule holds, every log is whole, every job that
// was promised will be done. At the end it lets the program finish, and everything
// that was ever accepted has come to an end.
//
// After every killsPerDatabase kills it begins with a new database: an audit reads
// all there is, and would take longer from kill to kill.
func TestKill(t *testing.T) {
	t.Parallel()
	const killsPerDatabase = 20
	for left := kills(t); left > 0; left -= killsPerDatabase {
		killRounds(t, min(left, killsPerDatabase))
	}
}

func killRounds(t *testing.T, n int) {
	dir := t.TempDir()
	clients := make([]*client, 6)
	for i := range clients {
		clients[i] = &client{User: testprogram.NewUser(t), accepted: map[string]string{}, open: map[string]bool{}}
	}
	for k := range n {
		// Now and then with real pictures, which makes jobs long enough to be hit.
		settings := map[string]string{"WORKER_RENDER": strconv.FormatBool(k%4 == 0)}
		p, ready := testprogram.Launch(t, dir, settings)
		moment := time.After(time.Duration(rand.IntN(350)) * time.Millisecond)
		var wg sync.WaitGroup
		select {
		case <-moment: // during the start
		case <-p.Ended:
			t.Fatalf("round %d: the program ended by itself:\n%s", k, p.Output())
		case url := <-ready:
			for _, c := range clients {
				wg.Go(func() { c.use(url) })
			}
			<-moment
		}
		p.Kill()
		wg.Wait()
		if !testprogram.HasSchema(t, dir) {
			// Killed in its first start: then nobody was promised anything.
			for _, c := range clients {
				require.Empty(t, c.accepted)
			}
			continue
		}
		testprogram.Audit(t, dir)
	}
	finish(t, dir, clients, n)
}

// finish lets the program come to an end with everything and checks the whole.
func finish(t *testing.T, dir string, clients []*client, n int) {
	p := testprogram.Start(t, dir, nil)
	for _, c := range clients {
		c.finish(t, p.URL)
	}
	db := testprogram.Audit(t, dir)
	testprogram.Eventually(t, "an empty outbox", func() bool { return testprogram.Count(t, db, "SELECT count(*) FROM deliveries") == 0 })
	require.Equal(t, 0, p.Stop(), "exit code")
	require.Zero(t, testprogram.Count(t, db, "SELECT count(*) FROM generations WHERE status NOT IN ('Completed','Cancelled','Failed')"))
	require.Zero(t, testprogram.Count(t, db, "SELECT count(*) FROM runs WHERE reservation NOT IN ('deducted','refunded')"))
	require.Zero(t, testprogram.Count(t, db, "SELECT coalesce(sum(held),0) FROM accounts"))
	accepted := 0
	for _, c := range clients {
		accepted += len(c.accepted)
		for key, id := range c.accepted {
			raw, err := hex.DecodeString(strings.ReplaceAll(id, "-", ""))
			require.NoError(t, err)
			require.Equal(t, 1, testprogram.Count(t, db, "SELECT count(*) FROM generations WHERE id = ?", raw), "a 202 without a generation")
			require.Equal(t, 1, testprogram.Count(t, db, "SELECT count(*) FROM idempotency_keys WHERE key = ? AND generation_id = ?", key, raw))
		}
	}
	require.Positive(t, accepted)
	require.Equal(t, testprogram.Count(t, db, "SELECT count(*) FROM idempotency_keys"), testprogram.Count(t, db, "SELECT count(*) FROM generations"),
		"a request that was repeated after a kill made a second generation")
	t.Logf("%d kills, %d generations, %d of them completed", n,
		testprogram.Count(t, db, "SELECT count(*) FROM generations"), testprogram.Count(t, db, "SELECT count(*) FROM generations WHERE status = 'Completed'"))
}

// client is a user who asks for things and remembers what was promised.
type client struct {
	*testprogram.User
	unsure   string            // key of a create whose answer never came: to be repeated
	accepted map[string]string // key -> generation id of each 202
	open     map[string]bool   // generations that have not been seen to end
}

// use does things until the program is gone.
func (c *client) use(url string) {
	for {
		if err := c.createOne(url); err != nil {
			return
		}
		for id := range c.open {
			if err := c.advance(url, id, rand.IntN(10)); err != nil {
				return
			}
		}
	}
}

func (c *client) createOne(url string) error {
	if c.unsure == "" {
		c.unsure = uuid.NewString()
	}
	a, err := c.Create(url, c.unsure, "a red fox, "+c.unsure)
	if err != nil {
		return err
	}
	if a.HTTP != http.StatusAccepted {
		return fmt.Errorf("create: %d %s", a.HTTP, a.Raw)
	}
	c.accepted[c.unsure] = a.GenerationID
	c.open[a.GenerationID] = true
	c.unsure = ""
	return nil
}

// advance looks at a generation and, where it waits, does one of the things a
// person may do.
func (c *client) advance(url, id string, dice int) error {
	a, err := c.Get(url, id)
	if err != nil {
		return err
	}
	switch a.Status {
	case "Completed", "Failed", "Cancelled", "ContentRejected":
		delete(c.open, id)
	case "AwaitingSelection":
		switch dice {
		case 0:
			_, err = c.Post(url, id, "cancel", "", map[string]any{})
		case 1:
			_, err = c.Post(url, id, "regenerate-samples", "", map[string]any{"inputPrompt": "a blue fox"})
		default:
			_, err = c.Post(url, id, "select-sample", "", map[string]any{"sampleId": a.SampleAssets[0].AssetID})
		}
	default:
		if dice == 2 {
			_, err = c.Post(url, id, "cancel", "", map[string]any{})
		}
	}
	return err
}

// finish repeats what was left unsure and brings everything to an end.
func (c *client) finish(t *testing.T, url string) {
	t.Helper()
	require.NoError(t, c.createOne(url))
	testprogram.Eventually(t, "the end of every generation", func() bool {
		for id := range c.open {
			require.NoError(t, c.advance(url, id, 9))
		}
		return len(c.open) == 0
	})
}
