package redis_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"
	goredis "github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/app"
	"github.com/creativeflow/aigen/internal/live"
	"github.com/creativeflow/aigen/internal/redis"
	"github.com/creativeflow/aigen/internal/sqlite"
	"github.com/creativeflow/aigen/internal/testenv"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// timely bounds how long a test waits for what should come at once.
const timely = time.Minute

func newID() aigen.ID { return aigen.ID(uuid.Must(uuid.NewV7())) }

// redisServer is a real Redis that is the test's alone.
type redisServer struct {
	program string
	port    int
	dir     string
	args    []string
	cmd     *exec.Cmd
}

// server starts a Redis, which ends with the test.
func server(t testing.TB, args ...string) *redisServer {
	t.Helper()
	program := testenv.Program(t, "redis-server", "redis-server")
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	s := &redisServer{program: program, port: l.Addr().(*net.TCPAddr).Port, dir: t.TempDir(), args: args}
	require.NoError(t, l.Close())
	require.NoError(t, s.Start())
	t.Cleanup(func() {
		_ = s.Resume()
		_ = s.Kill()
	})
	return s
}

// URL is where it answers; the same after a restart.
func (s *redisServer) URL() string { return fmt.Sprintf("redis://127.0.0.1:%d/0", s.port) }

func (s *redisServer) socket() string { return filepath.Join(s.dir, "s") }

// Start starts the server and waits until it answers.
func (s *redisServer) Start() error {
	args := []string{"--port", fmt.Sprint(s.port), "--bind", "127.0.0.1", "--dir", s.dir, "--save", "", "--unixsocket", s.socket()}
	s.cmd = exec.Command(s.program, append(args, s.args...)...)
	if err := s.cmd.Start(); err != nil {
		return err
	}
	for end := time.Now().Add(timely); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if conn, err := net.Dial("unix", s.socket()); err == nil { // opened after the port
			return conn.Close()
		}
	}
	return errors.New("redis-server does not listen")
}

// Kill ends the server as a power cut would.
func (s *redisServer) Kill() error {
	if s.cmd == nil {
		return nil
	}
	err := s.cmd.Process.Kill()
	_ = s.cmd.Wait()
	s.cmd = nil
	return err
}

// Pause stops the process where it is: connections stay, and nobody answers.
func (s *redisServer) Pause() error { return s.cmd.Process.Signal(syscall.SIGSTOP) }

// Resume lets it go on.
func (s *redisServer) Resume() error {
	if s.cmd == nil {
		return nil
	}
	return s.cmd.Process.Signal(syscall.SIGCONT)
}

// admin is a connection of the test's own.
func admin(t testing.TB, url string) *goredis.Client {
	t.Helper()
	o, err := goredis.ParseURL(url)
	require.NoError(t, err)
	c := goredis.NewClient(o)
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// logBuffer is a log that is read while it is written.
type logBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

// lines are the messages in the log that have the word in them.
func (l *logBuffer) lines(word string) (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for line := range strings.Lines(l.b.String()) {
		if strings.Contains(line, word) {
			n++
		}
	}
	return n
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// connect makes a client that watches over its connection. It is patient, so that a
// Redis on a busy machine is not taken for one that hangs; see impatient.
func connect(t testing.TB, url string, change ...func(*redis.Options)) (*redis.Client, *logBuffer) {
	t.Helper()
	log := &logBuffer{}
	o := redis.Options{
		Log:     slog.New(slog.NewTextHandler(log, nil)),
		Timeout: timely / 4, LimitTimeout: timely / 4, Heartbeat: timely / 4, RetryAfter: 100 * time.Millisecond,
	}
	for _, f := range change {
		f(&o)
	}
	c, err := redis.New(url, o)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, c.Close()) })
	run(t, c.Run)
	return c, log
}

// impatient finds out soon that Redis hangs.
func impatient(o *redis.Options) {
	o.LimitTimeout, o.Heartbeat = 100*time.Millisecond, 500*time.Millisecond
}

// run runs a loop until the test ends.
func run(t testing.TB, loop func(context.Context) error) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- loop(ctx) }()
	t.Cleanup(func() {
		cancel()
		require.NoError(t, <-done)
	})
}

// replica is one instance of the service.
type replica struct {
	*app.Service
	t      testing.TB
	client *redis.Client
	bus    *redis.Bus
	hub    *live.Hub
	log    *logBuffer
	store  *sqlite.Store
	user   aigen.ID
	policy *aigen.Policy
}

// polls says how often streams look into the store by themselves.
type polls struct{ alone, withBus time.Duration }

// never: only the bus can bring events within the time of a test.
var never = polls{time.Hour, time.Hour}

// replicas are two instances of the service on one store and one Redis.
func replicas(t testing.TB, url string, p polls, change ...func(*redis.Options)) (a, b *replica) {
	t.Helper()
	store, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "aigen.db"), sqlite.Options{InitialCredits: 1_000_000_00})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, store.Close()) })
	user := newID()
	policy := &aigen.Policy{
		Pricing:        aigen.Pricing{Sample: 25, Final: 100, FinalHighResolution: 200},
		SamplesTimeout: time.Hour, FinalTimeout: time.Hour, SelectionTimeout: 720 * time.Hour,
		ReserveTimeout: time.Minute, MaxStageAttempts: 3,
		RetryDelay: func(int) time.Duration { return 0 }, Now: time.Now, NewID: newID,
	}
	build := func() *replica {
		r := &replica{t: t, store: store, user: user, policy: policy}
		r.client, r.log = connect(t, url, change...)
		r.bus = redis.NewBus(r.client, newID())
		r.hub = live.NewHub(live.Config{Store: store, Bus: r.bus, Poll: p.alone, PollWithBus: p.withBus})
		r.Service, err = app.New(app.Config{
			Policy: policy,
			Store:  store, Ledger: store, Live: r.hub,
		})
		require.NoError(t, err)
		run(t, func(ctx context.Context) error { return r.bus.Run(ctx, r.hub) })
		return r
	}
	return build(), build()
}

func (r *replica) until(what string, ok func() bool) {
	r.t.Helper()
	require.Eventually(r.t, ok, timely, 2*time.Millisecond, what)
}

func (r *replica) untilLive() {
	r.t.Helper()
	r.until("the bus is live", r.bus.Live)
}

// create starts a generation.
func (r *replica) create() (aigen.ID, error) {
	in, err := aigen.NewInput("a red fox", "", json.RawMessage(`{"samples":2}`))
	if err != nil {
		return aigen.ID{}, err
	}
	a, err := r.InitiateGeneration(context.Background(), app.InitiateGeneration{UserID: r.user, ProjectID: newID(), Input: in})
	return a.GenerationID, err
}

func (r *replica) mustCreate() aigen.ID {
	r.t.Helper()
	id, err := r.create()
	require.NoError(r.t, err)
	return id
}

// job is the job whose report counts.
func (r *replica) job(id aigen.ID) aigen.ID {
	r.t.Helper()
	g, err := r.store.Get(r.t.Context(), id)
	require.NoError(r.t, err)
	jobs := g.Runs[len(g.Runs)-1].Jobs
	return jobs[len(jobs)-1].ID
}

func (r *replica) report(id aigen.ID, report aigen.Report) {
	r.t.Helper()
	report.JobID = r.job(id)
	p, err := r.ProcessN8NResult(r.t.Context(), app.ProcessResult{GenerationID: id, Report: report})
	require.NoError(r.t, err)
	require.Equal(r.t, aigen.OutcomeApplied, p.Outcome)
}

// next is the next event of a stream, within good time.
func next(t testing.TB, s *live.Stream) aigen.Event {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), timely)
	defer cancel()
	e, err := s.Next(ctx)
	require.NoError(t, err)
	return e
}

// follow opens a stream of the user's events and waits until its replica gets them.
func (r *replica) follow(from *goredis.Client) *live.Stream {
	r.t.Helper()
	r.untilLive()
	s, err := r.StreamUser(r.t.Context(), r.user, nil)
	require.NoError(r.t, err)
	r.t.Cleanup(s.Close)
	r.until("the subscription", func() bool { return subscribers(r.t, from, r.user) > 0 })
	return s
}

// subscribers is how many replicas get a user's events.
func subscribers(t testing.TB, from *goredis.Client, user aigen.ID) int64 {
	t.Helper()
	channel := "aigen:events:0:" + user.String()
	n, err := from.PubSubNumSub(t.Context(), channel).Result()
	require.NoError(t, err)
	return n[channel]
}
