package redis

import (
	"context"
	"errors"
	"fmt"
	"strings"

	goredis "github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// One address may be that of a single server, of a node of a Cluster (providers give
// one for all of it) or of a Sentinel. Which one tells only the server, and it need not
// be there at the start: so a client begins as that of a single server, and becomes one
// of a Cluster when it finds itself at a node.

var (
	errNoDatabases = errors.New("redis: a Cluster has no databases but 0: take the number at the end of REDIS_URL out")
	errSentinel    = errors.New("redis: REDIS_URL names a Sentinel: write redis+sentinel://host:26379/master")
)

// driver is the connection as it is used: to a server, a Cluster, or whom Sentinels name.
type driver struct{ goredis.UniversalClient }

// connect makes the driver of a mode. It dials nobody.
func (a address) connect(m mode) *driver {
	o := a.driver
	several := goredis.UniversalOptions{
		Addrs: a.addrs, ClientName: o.ClientName, DB: o.DB, Protocol: o.Protocol, Username: o.Username, Password: o.Password,
		SentinelUsername: a.sentinelUser, SentinelPassword: a.sentinelPassword, MasterName: a.master,
		MaxRetries: o.MaxRetries, MinRetryBackoff: o.MinRetryBackoff, MaxRetryBackoff: o.MaxRetryBackoff,
		DialTimeout: o.DialTimeout, DialerRetries: o.DialerRetries, ReadTimeout: o.ReadTimeout, WriteTimeout: o.WriteTimeout,
		ContextTimeoutEnabled: o.ContextTimeoutEnabled, PoolFIFO: o.PoolFIFO, PoolSize: o.PoolSize, PoolTimeout: o.PoolTimeout,
		MinIdleConns: o.MinIdleConns, MaxIdleConns: o.MaxIdleConns, MaxActiveConns: o.MaxActiveConns,
		ConnMaxIdleTime: o.ConnMaxIdleTime, ConnMaxLifetime: o.ConnMaxLifetime, TLSConfig: o.TLSConfig,
		DisableIdentity: o.DisableIdentity, MaintNotificationsConfig: o.MaintNotificationsConfig,
	}
	switch m {
	case modeCluster:
		return &driver{goredis.NewClusterClient(several.Cluster())}
	case modeSentinel:
		return &driver{goredis.NewFailoverClient(several.Failover())}
	case modeSingle:
	}
	return &driver{goredis.NewClient(o)}
}

// poolSize bounds the connections to one server, besides that of the subscription. The
// driver's default is ten for each processor, and it keeps all of them open after a burst.
// A command takes well below a millisecond, so a few connections serve thousands of
// requests a second.
const poolSize = 8

// tune sets what is ours to decide of the driver's options.
func (a address) tune(o Options) {
	d := a.driver
	d.Protocol = 2 // all that is needed, by every version
	d.MaintNotificationsConfig = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
	d.DisableIdentity = true
	d.ClientName = "aigen"
	d.ContextTimeoutEnabled = true
	if d.PoolSize == 0 { // REDIS_URL may set pool_size
		d.PoolSize = poolSize
	}
	// Tries are ours to repeat: a request does not wait for a second one.
	d.MaxRetries, d.DialerRetries = -1, 1
	d.DialTimeout, d.ReadTimeout, d.WriteTimeout = o.Timeout, o.Timeout, o.Timeout
}

// look finds out, once, what kind of server answers at an address of one.
func (c *Client) look(ctx context.Context) error {
	if c.looked.Load() {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, c.o.Timeout)
	defer cancel()
	kind, err := c.kind(ctx)
	switch {
	case err != nil:
		return err
	case kind == "sentinel":
		return errSentinel
	case kind == "cluster":
		c.becomeCluster()
	}
	c.looked.Store(true)
	return nil
}

// kind is "standalone", "cluster" or "sentinel", as HELLO tells since Redis 6. A server
// that does not tell, or not this user, is taken for one alone until it says MOVED.
func (c *Client) kind(ctx context.Context) (string, error) {
	answer, err := c.rdb().Do(ctx, "HELLO").Result()
	var said goredis.Error
	switch {
	case err != nil && strings.Contains(err.Error(), "SELECT is not allowed in cluster mode"):
		return "", errNoDatabases
	case errors.As(err, &said):
		return "standalone", nil
	case err != nil:
		return "", err
	}
	pairs, _ := answer.([]any)
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i] == any("mode") {
			return fmt.Sprint(pairs[i+1]), nil
		}
	}
	return "standalone", nil
}

// becomeCluster changes the driver. Who uses the one before just now may finish: it is
// closed with the Client.
func (c *Client) becomeCluster() {
	c.swap.Lock()
	defer c.swap.Unlock()
	if c.mode != modeSingle {
		return
	}
	c.mode = modeCluster
	c.before = c.current.Swap(c.address.connect(modeCluster))
	c.o.Log.Info("redis is a Cluster")
}

// moved takes note of an answer that only a node of a Cluster gives.
func (c *Client) moved(err error) {
	if _, is := goredis.IsMovedError(err); is {
		c.becomeCluster()
	}
}
