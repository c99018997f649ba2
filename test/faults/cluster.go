package faults

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	toxiproxy "github.com/Shopify/toxiproxy/v2"

	"github.com/creativeflow/aigen/internal/testenv"
)

const (
	jwtSecret      = "a secret for the fault runs, of more than 32 bytes"
	callbackSecret = "a callback secret for the fault runs"
	jobQueue       = "creativeflow.jobs.generation"
)

// cluster is everything that a run needs: servers, replicas, and those around them.
type cluster struct {
	o       Options
	records *Records
	folder  string
	ctx     context.Context //nolint:containedctx // the end of the whole run
	cancel  context.CancelFunc
	toxi    *toxiproxy.ApiServer

	database *testenv.Server // nil with SQLite
	broker   *testenv.Server
	redis    *testenv.Server
	disk     *disk // SQLite
	servers  map[string]*sync.Mutex

	credits       *creditService // nil with the embedded ledger
	notifications *notificationService
	engine        *engine
	engineLine    *link
	replicas      []*replica
	people        []*simulatedUser
}

// newCluster brings everything up. What was started is ended by close, also after an error.
func newCluster(o Options, folder string) (*cluster, error) {
	s := &cluster{o: o, records: &Records{}, folder: folder, toxi: newToxiproxy(), servers: map[string]*sync.Mutex{}}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	s.notifications = startNotificationService(s.records)
	s.engine = newEngine(o.Seed, s.records, callbackSecret, s.urls)
	build := s.buildSQLite
	if o.Store == PostgreSQL {
		build = s.buildPostgreSQL
	}
	if err := build(); err != nil {
		return s, err
	}
	for _, r := range s.replicas {
		r.supervise()
	}
	for _, r := range s.replicas {
		if !until(s.ctx, time.Minute, r.isReady) {
			return s, fmt.Errorf("replica %d is not ready after a minute: %s", r.number, r.said(0))
		}
	}
	return s, s.invite()
}

func (s *cluster) urls() []string {
	urls := make([]string, len(s.replicas))
	for i, r := range s.replicas {
		urls[i] = r.url()
	}
	return urls
}

// buildPostgreSQL: three replicas and real servers, a line between each two.
func (s *cluster) buildPostgreSQL() error {
	var errs [3]error
	var wg sync.WaitGroup
	wg.Go(func() { s.database, errs[0] = testenv.Launch(testenv.PostgreSQLKind()) })
	wg.Go(func() { s.broker, errs[1] = testenv.Launch(testenv.RabbitMQKind()) })
	wg.Go(func() { s.redis, errs[2] = testenv.Launch(testenv.RedisKind()) })
	wg.Wait()
	if err := errors.Join(errs[:]...); err != nil {
		return err
	}
	for _, name := range []string{LineDatabase, LineBroker, LineRedis} {
		s.servers[name] = new(sync.Mutex)
	}
	s.credits = startCreditService(s.records)
	binary, err := Build(s.folder)
	if err != nil {
		return err
	}
	for i := range s.o.replicas() {
		r, err := s.newReplica(i, binary, map[string]string{
			LineDatabase: s.database.URL(), LineBroker: s.broker.URL(), LineRedis: s.redis.URL(),
			LineCredits: s.credits.url, LineNotify: s.notifications.url,
		})
		if err != nil {
			return err
		}
		for k, line := range map[string]string{
			"DATABASE_URL": LineDatabase, "RABBITMQ_URL": LineBroker, "REDIS_URL": LineRedis, "ODOO_SERVICE_URL": LineCredits,
		} {
			r.settings[k] = r.lines[line].through(map[string]string{
				LineDatabase: s.database.URL(), LineBroker: s.broker.URL(), LineRedis: s.redis.URL(), LineCredits: s.credits.url,
			}[line])
		}
		r.settings["ODOO_API_KEY"] = creditKey
		r.settings["GENERATION_JOB_QUEUE"] = jobQueue
		r.settings["DATABASE_POOL_SIZE"] = "8"
	}
	if s.engineLine, err = openLink(s.toxi, LineEngine, host(s.broker.URL())); err != nil {
		return err
	}
	s.engine.consumeFrom(s.engineLine.through(s.broker.URL()), jobQueue)
	return nil
}

// buildSQLite: one replica on a small disk, the embedded ledger, jobs by webhook.
func (s *cluster) buildSQLite() error {
	disk, err := newDisk(filepath.Join(s.folder, "disk"))
	if err != nil {
		return err
	}
	s.disk = disk
	binary, err := Build(s.folder)
	if err != nil {
		return err
	}
	hook := s.engine.listen()
	r, err := s.newReplica(0, binary, map[string]string{LineNotify: s.notifications.url, LineWebhook: hook})
	if err != nil {
		return err
	}
	r.settings["N8N_WEBHOOK_URL"] = r.lines[LineWebhook].through(hook)
	r.settings["DATA_DIR"] = disk.path
	r.settings["LEDGER_INITIAL_CREDITS"] = "1000000"
	r.settings["SELECTION_TIMEOUT"] = selectionTimeout.String()
	return nil
}

// newReplica gives a replica its lines and its settings.
func (s *cluster) newReplica(n int, binary string, upstreams map[string]string) (*replica, error) {
	r := &replica{
		number: n, binary: binary, dir: filepath.Join(s.folder, fmt.Sprintf("replica-%d", n)),
		lines: map[string]*link{}, records: s.records,
	}
	s.replicas = append(s.replicas, r)
	if err := os.MkdirAll(r.dir, 0o700); err != nil {
		return nil, err
	}
	var err error
	if r.port, err = freePort(); err != nil {
		return nil, err
	}
	upstreams[LineIn] = r.own()
	for name, upstream := range upstreams {
		if r.lines[name], err = openLink(s.toxi, fmt.Sprintf("%d %s", n, name), host(upstream)); err != nil {
			return nil, err
		}
	}
	r.settings = map[string]string{
		"DATA_DIR": r.dir, "LISTEN_ADDR": fmt.Sprintf("127.0.0.1:%d", r.port), "LOG_FORMAT": "json", "LOG_LEVEL": "info",
		"JWT_SECRET": jwtSecret, "N8N_CALLBACK_SECRET": callbackSecret, "SHUTDOWN_TIMEOUT": "4s",
		"CALLBACK_BASE_URL": "http://the-engine-chooses.invalid", "NOTIFICATION_SERVICE_URL": r.lines[LineNotify].through(s.notifications.url),
		"SAMPLES_TIMEOUT": stageTimeout.String(), "FINAL_TIMEOUT": stageTimeout.String(), "ODOO_TIMEOUT": odooTimeout.String(),
		// A run is short and full of faults: what is late is not to be set aside for that.
		"OUTBOX_MAX_ATTEMPTS": "1000",
		// Few users make all the load. The limits are on, and out of reach.
		"GENERATION_LIMIT_PER_MINUTE": "1000000", "MAX_QUEUED_PER_USER": "100000",
		"ASSET_INGEST": "false", // the engine of the run reports pictures that are nowhere
	}
	return r, nil
}

// host is host:port of a URL.
func host(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return ""
	}
	return u.Host
}

// through is the URL with the line's address in it.
func (l *link) through(raw string) string { return strings.Replace(raw, host(raw), l.addr, 1) }

// invite makes the people, two of them poor.
func (s *cluster) invite() error {
	for i := range s.o.People {
		p, err := newSimulatedUser(fmt.Sprintf("p%02d", i), s.o.Seed, jwtSecret)
		if err != nil {
			return err
		}
		p.records, p.urls, p.client, p.ctx = s.records, s.urls, newClient(callTimeout), s.ctx
		s.people = append(s.people, p)
		if s.credits != nil {
			balance := int64(100_000_000)
			if i%10 == 9 {
				balance = 2_000 // twenty credits: soon spent
			}
			s.credits.open(p.id, balance)
		}
	}
	return nil
}

// close ends everything that was started.
func (s *cluster) close() error {
	s.cancel()
	s.engine.close()
	for _, p := range s.people {
		p.client.CloseIdleConnections()
	}
	streamClient.CloseIdleConnections()
	for _, r := range s.replicas {
		if r.stopped != nil {
			r.mu.Lock()
			r.quit = true
			r.mu.Unlock()
			r.end(syscall.SIGKILL, 0)
			<-r.stopped
		}
		for _, l := range r.lines {
			if l != nil {
				l.close()
			}
		}
	}
	if s.engineLine != nil {
		s.engineLine.close()
	}
	s.notifications.server.Close()
	if s.credits != nil {
		s.credits.server.Close()
	}
	var err error
	for _, server := range []*testenv.Server{s.database, s.broker, s.redis} {
		if server != nil {
			err = errors.Join(err, server.Close())
		}
	}
	if s.disk != nil {
		err = errors.Join(err, s.disk.close())
	}
	return err
}
