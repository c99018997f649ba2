package s3store_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen/internal/s3store"
)

func TestOpenNamesWhatIsWrong(t *testing.T) {
	t.Parallel()
	for url, want := range map[string]string{
		"https://bucket": "s3://", "s3:///prefix": "s3://", "s3://bucket": "needs region",
		"s3://bucket?zone=1&region=x": `"zone"`, "s3://bucket?endpoint=ftp://h": "endpoint", "s3://bucket?endpoint=http://h/path": "endpoint",
	} {
		_, err := s3store.Open(s3store.Config{URL: url, AccessKey: "a", SecretKey: "hunter2"})
		require.ErrorContains(t, err, want, url)
		require.NotContains(t, err.Error(), "hunter2")
	}
	for _, url := range []string{"s3://bucket?region=eu-central-1", "s3://bucket/p/q?endpoint=minio:9000", "s3://bucket?endpoint=http://127.0.0.1:9000"} {
		_, err := s3store.Open(s3store.Config{URL: url, AccessKey: "a", SecretKey: "b"})
		require.NoError(t, err, url)
	}
}
