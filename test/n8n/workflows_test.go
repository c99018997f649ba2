//go:build n8n

package n8n

import (
	"bytes"
	"image"
	"image/png"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen/internal/testenv"
	"github.com/creativeflow/aigen/internal/testprogram"
)

// broken makes a workflow that fails in the ways that its prompts name.
const broken = `
const { job: tried } = $('Read job').first().json;
if (tried.inputPrompt.includes('throws')) nobodyHasDefinedThis();
if (tried.inputPrompt.includes('stumbles') && tried.attempt === 1) {
  throw new Error(JSON.stringify({ code: 'out_of_paint', message: 'The paint ran out.', retryable: true }));
}`

// TestWorkflows runs every workflow in one n8n, from the good days to the bad ones.
func TestWorkflows(t *testing.T) {
	broker := testenv.Start(t, testenv.RabbitMQKind())
	images := startImageService(t)
	n := newInstance(t, nil)

	rabbit := func(queue string) *service {
		return startService(t, map[string]string{"RABBITMQ_URL": broker.URL(), "GENERATION_JOB_QUEUE": queue})
	}
	main, signed, openai, faulty := rabbit("main"), rabbit("signed"), rabbit("openai"), rabbit("faulty")
	webhook, address := n.byWebhook("aigen-webhook")
	posted := startService(t, map[string]string{"N8N_WEBHOOK_URL": address})
	put := startStore(t)

	n.importCredentials(credentials(t, broker.URL(), put.url)...)
	n.importWorkflows(append(
		n.helpers(), n.fromRabbitMQ("main", "main"), webhook,
		n.fromRabbitMQ("signed", "signed").set(map[string]string{
			"proof": "signature", "store": "s3", "s3Bucket": "bucket", "publicUrl": put.url + "/bucket/",
		}),
		n.fromRabbitMQ("openai", "openai").set(map[string]string{
			"provider": "openai", "openaiUrl": images.url, "store": "put", "putUrl": put.url + "/", "publicUrl": put.url + "/",
		}),
		n.fromRabbitMQ("faulty", "faulty").code("Asset", broken).set(map[string]string{
			"provider": "={{ $json.content.includes('misconfigured') ? 'nonsense' : 'edit-image' }}",
		}),
	)...)
	n.start()

	t.Run("a hundred", func(t *testing.T) { hundred(t, main.as(t)) })
	t.Run("by hand", func(t *testing.T) { byHand(t, main.as(t)) })
	t.Run("by webhook", func(t *testing.T) { byWebhook(t, posted.as(t), address) })
	t.Run("signed", func(t *testing.T) { bySignature(t, signed.as(t)) })
	t.Run("image service", func(t *testing.T) { imageServiceUsed(t, openai.as(t), images, put) })
	t.Run("faults", func(t *testing.T) { faults(t, faulty.as(t)) })
	t.Run("service away", func(t *testing.T) { serviceAway(t, main.as(t)) })
	t.Run("n8n killed", func(t *testing.T) { killed(t, n.as(t), main.as(t)) })
	t.Run("RabbitMQ restarted", func(t *testing.T) { brokerRestarted(t, broker, main.as(t)) })
	t.Run("n8n restarted", func(t *testing.T) { restarted(t, n.as(t), main.as(t)) })

	n.stop()
	require.Empty(t, n.leftJobs(), "n8n remembers no job that was reported")
	for _, s := range []*service{main, signed, openai, faulty, posted} {
		s.settled()
		require.Equal(t, 0, s.Stop())
	}
}

// An n8n beside which nobody has installed GraphicsMagick says so, to whoever asked for a
// picture and thereby to the operator, and the credits go back.
func TestWithoutGraphicsMagick(t *testing.T) {
	broker := testenv.Start(t, testenv.RabbitMQKind())
	s := startService(t, map[string]string{"RABBITMQ_URL": broker.URL(), "GENERATION_JOB_QUEUE": "bare"})
	cache, err := installed()
	require.NoError(t, err)
	n := newInstance(t, map[string]string{"PATH": filepath.Join(cache, "node/bin")})
	n.importCredentials(credentials(t, broker.URL(), "http://127.0.0.1:1")...)
	n.importWorkflows(append(n.helpers(), n.fromRabbitMQ("bare", "bare"))...)
	n.start()
	u := testprogram.NewUser(t)
	all := s.order(u, 1, "a fox without paint", "128x128")
	require.Equal(t, map[string]int{"Failed": 1}, s.finish(u, all, 2*time.Minute))
	require.Equal(t, []string{"graphicsmagick_missing GraphicsMagick is not installed where n8n runs, or does not work there. Please tell the operator."},
		s.failures(all[0]))
	a, err := u.Get(s.URL, all[0].id)
	require.NoError(t, err)
	require.Equal(t, a.Credits.Reserved, a.Credits.Refunded)
	s.settled()
}

// hundred: a hundred whole generations with two samples each, none doubled.
func hundred(t *testing.T, s *service) {
	const n = 100
	u := testprogram.NewUser(t)
	began := time.Now()
	all := append(s.order(u, n/2, "a red fox", "128x128"), s.order(u, n/2, "a harbour", "600x300")...)
	require.Equal(t, map[string]int{"Completed": n}, s.finish(u, all, 8*time.Minute))
	t.Logf("%d generations of two samples in %s", n, time.Since(began).Round(time.Second))

	db := s.settled()
	a, err := u.Call(http.MethodGet, s.URL+"/api/v1/credits", "", nil)
	require.NoError(t, err)
	// 1000 - 100 × (2 × 0.25 + 1.00)
	require.Equal(t, []string{"850.00", "0.00", "850.00"}, []string{a.Balance, a.Reserved, a.Available})
	require.Equal(t, 2*n, testprogram.Count(t, db, "SELECT count(*) FROM runs WHERE user_id = $1", u.ID))
	require.Equal(t, 2*n, testprogram.Count(t, db,
		"SELECT count(*) FROM runs r, json_array_elements(r.jobs::json) j WHERE r.user_id = $1", u.ID), "no job was given out twice")
	require.Equal(t, 2*n, testprogram.Count(t, db, "SELECT count(*) FROM ledger_entries WHERE user_id = $1 AND kind = 'deduct'", u.ID))
	ends, progress := s.reports()
	require.Len(t, ends, 2*n, "no job was reported twice")
	jobs := map[string]bool{}
	for _, c := range ends {
		assert.Equal(t, []any{"success", "applied", false}, []any{c.Status, c.outcome, c.signed})
		jobs[c.JobID] = true
	}
	require.Len(t, jobs, 2*n)
	require.GreaterOrEqual(t, len(progress), 2*n, "each job tells how far it is")
	for _, g := range all {
		sample := map[string]string{"128x128": "128x128", "600x300": "512x256"}[g.resolution]
		s.checkPictures(u, g, sample, g.resolution)
	}
}

// byHand: the last of the README's five steps, as somebody types it.
func byHand(t *testing.T, s *service) {
	picture := filepath.Join(t.TempDir(), "fox.png")
	out, code := testprogram.Tool(t, t.TempDir(), "generate", "a red fox in the snow", "--samples", "2", "--pick", "1",
		"--resolution", "200x100", "--server", s.URL, "--token", testprogram.NewUser(t).Token, "--out", picture)
	require.Equal(t, 0, code, out)
	raw, err := os.ReadFile(picture)
	require.NoError(t, err)
	img, err := png.Decode(bytes.NewReader(raw))
	require.NoError(t, err)
	require.Equal(t, image.Rect(0, 0, 200, 100), img.Bounds())
}

// byWebhook: the same where jobs come by HTTP, signed by the service; others' are refused.
func byWebhook(t *testing.T, s *service, address string) {
	u := testprogram.NewUser(t)
	all := s.order(u, 10, "a fox by webhook", "200x100")
	require.Equal(t, map[string]int{"Completed": 10}, s.finish(u, all, 3*time.Minute))
	for _, g := range all[:2] {
		s.checkPictures(u, g, "200x100", "200x100")
	}
	s.settled()
	// A busy n8n accepts a job later than the service waits, and gets it once more.
	applied := 0
	ends, _ := s.reports()
	for _, c := range ends {
		assert.Contains(t, []string{"applied", "duplicate", "ignored"}, c.outcome)
		if c.outcome == "applied" {
			applied++
		}
	}
	require.Equal(t, 20, applied)

	forged := func(signature string) int {
		req, err := http.NewRequest(http.MethodPost, address, jsonBody(t, map[string]any{
			"jobId": "j", "generationId": "g", "jobType": "sample_generation", "callback": map[string]string{"url": s.URL, "token": "t"},
		}))
		require.NoError(t, err)
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Webhook-Id", "j")
		req.Header.Set("Webhook-Timestamp", "1700000000")
		req.Header.Set("Webhook-Signature", signature)
		res, err := http.DefaultClient.Do(req)
		require.NoError(t, err)
		require.NoError(t, res.Body.Close())
		return res.StatusCode
	}
	require.Equal(t, http.StatusUnauthorized, forged("v1,bm90IGEgc2lnbmF0dXJl"))
}

// bySignature: every report is proved by an HMAC over the exact bytes, without a token.
// The pictures go to S3.
func bySignature(t *testing.T, s *service) {
	u := testprogram.NewUser(t)
	// Letters that JSON may spell in several ways: the bytes signed are those sent.
	all := s.order(u, 10, "<füchse> & \"Bären\" \\ 狐 🦊\u2028", "100x200")
	require.Equal(t, map[string]int{"Completed": 10}, s.finish(u, all, 3*time.Minute))
	ends, _ := s.reports()
	require.Len(t, ends, 20)
	for _, c := range ends {
		assert.Equal(t, []any{"applied", true}, []any{c.outcome, c.signed})
	}
	s.checkPictures(u, all[0], "100x200", "100x200")
	s.settled()
}

// imageServiceUsed: pictures of an image service, put into a store by HTTP.
func imageServiceUsed(t *testing.T, s *service, images *imageService, put *store) {
	u := testprogram.NewUser(t)
	all := s.order(u, 2, "a wide fox", "600x300")
	require.Equal(t, map[string]int{"Completed": 2}, s.finish(u, all, 3*time.Minute))
	for _, g := range all {
		s.checkPictures(u, g, "1536x1024", "600x300")
		a, err := u.Get(s.URL, g.id)
		require.NoError(t, err)
		require.Contains(t, string(a.Raw), `"aiModelUsed":"gpt-image-1"`)
	}
	require.Equal(t, []string{"1536x1024", "1536x1024", "1536x1024", "1536x1024"}, images.sizes(), "finals are made of the chosen samples")
	require.Equal(t, 6, put.count("/0"), "each picture once")

	busy := s.order(u, 1, "a busy fox", "128x128")
	ends := s.finish(u, busy, 3*time.Minute)
	require.Equal(t, []string{"image_service_busy The image service is busy."}, s.failures(busy[0]))
	require.Equal(t, map[string]int{"Completed": 1}, ends, "tried again")
	refused := s.order(u, 1, "a forbidden fox", "128x128")
	require.Equal(t, map[string]int{"ContentRejected": 1}, s.finish(u, refused, 3*time.Minute))
	require.Equal(t, []string{"content_rejected The image service refused this content."}, s.failures(refused[0]))
	s.settled()
}

// faults: a workflow that fails, in each way, ends as a failure that a person
// understands, and costs nothing; one that may be tried again is.
func faults(t *testing.T, s *service) {
	u := testprogram.NewUser(t)
	for prompt, want := range map[string]string{
		// By the workflow for errors, which was told of the execution only:
		"throws": "workflow_failed The picture could not be made because of a fault in the workflow.",
		// By the error output of a node:
		"misconfigured": "misconfigured The picture service is not set up properly. Please tell the operator.",
	} {
		all := s.order(u, 1, prompt, "128x128")
		require.Equal(t, map[string]int{"Failed": 1}, s.finish(u, all, 2*time.Minute), prompt)
		require.Equal(t, []string{want}, s.failures(all[0]), prompt)
		a, err := u.Get(s.URL, all[0].id)
		require.NoError(t, err)
		require.Equal(t, []string{"0.50", "0.00", "0.50"}, []string{a.Credits.Reserved, a.Credits.Deducted, a.Credits.Refunded}, prompt)
		require.NotContains(t, string(a.Raw), "nobodyHasDefinedThis", "no technical detail")
	}
	all := s.order(u, 1, "stumbles", "128x128")
	require.Equal(t, map[string]int{"Completed": 1}, s.finish(u, all, 3*time.Minute))
	require.Equal(t, []string{"out_of_paint The paint ran out.", "out_of_paint The paint ran out."}, s.failures(all[0]), "samples and final, each tried again")
	db := s.settled()
	require.Equal(t, 2, testprogram.Count(t, db, "SELECT count(*) FROM runs WHERE generation_id = $1 AND json_array_length(jobs::json) = 2", all[0].id))
	a, err := u.Call(http.MethodGet, s.URL+"/api/v1/credits", "", nil)
	require.NoError(t, err)
	require.Equal(t, "998.50", a.Available, "the one that was completed is paid for once")
}
