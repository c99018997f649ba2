//go:build s3

package s3store_test

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen/internal/assets"
	"github.com/creativeflow/aigen/internal/objecttest"
	"github.com/creativeflow/aigen/internal/s3store"
)

const (
	accessKey = "aigen-access"
	secretKey = "aigen-secret-key"
	bucket    = "pictures"
)

// servers are started by `make e2e-s3`, which builds them into S3_SERVERS.
var servers = map[string]func(dir, address string) *exec.Cmd{
	"minio": func(dir, address string) *exec.Cmd {
		c := exec.Command(filepath.Join(os.Getenv("S3_SERVERS"), "minio"), "server", dir, "--address", address, "--quiet")
		c.Env = append(os.Environ(), "MINIO_ROOT_USER="+accessKey, "MINIO_ROOT_PASSWORD="+secretKey, "MINIO_BROWSER=off")
		return c
	},
	"versitygw": func(dir, address string) *exec.Cmd {
		return exec.Command(filepath.Join(os.Getenv("S3_SERVERS"), "versitygw"), "--access", accessKey, "--secret", secretKey,
			"--port", address, "--region", "us-east-1", "posix", dir)
	},
}

// TestServers runs the suite against real servers.
func TestServers(t *testing.T) {
	t.Parallel()
	for name, command := range servers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			address := start(t, command)
			objecttest.Run(t, func(t *testing.T) assets.Objects { return open(t, address, secretKey) })
		})
	}
}

func open(t *testing.T, address, secret string) *s3store.Store {
	t.Helper()
	s, err := s3store.Open(s3store.Config{
		URL: fmt.Sprintf("s3://%s/some/prefix?endpoint=http://%s&region=us-east-1", bucket, address), AccessKey: accessKey, SecretKey: secret,
	})
	require.NoError(t, err)
	return s
}

// A key that the server does not take is an error, and not a picture that is missing.
func TestWrongKey(t *testing.T) {
	t.Parallel()
	address := start(t, servers["minio"])
	s := open(t, address, "another-secret-key")
	require.Error(t, s.Check(t.Context()))
	_, err := s.Open(t.Context(), "aa/none/original")
	require.Error(t, err)
	require.NotErrorIs(t, err, assets.ErrNoObject)
	require.NotContains(t, err.Error(), "another-secret-key")
}

// start starts a server with an empty bucket.
func start(t *testing.T, command func(dir, address string) *exec.Cmd) string {
	t.Helper()
	require.NotEmpty(t, os.Getenv("S3_SERVERS"), "run make e2e-s3")
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	address := l.Addr().String()
	require.NoError(t, l.Close())
	cmd := command(t.TempDir(), address)
	cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	client, err := minio.New(address, &minio.Options{Creds: credentials.NewStaticV4(accessKey, secretKey, ""), Region: "us-east-1", BucketLookup: minio.BucketLookupPath})
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		return client.MakeBucket(ctx, bucket, minio.MakeBucketOptions{}) == nil
	}, time.Minute, 200*time.Millisecond)
	return address
}
