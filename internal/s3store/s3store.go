// Package s3store keeps pictures in a bucket of an S3 server: Amazon's, MinIO, Ceph, R2 and
// others that speak the protocol.
package s3store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"path"
	"strings"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"github.com/creativeflow/aigen/internal/assets"
)

// Config says where the bucket is.
type Config struct {
	URL       string // s3://bucket/prefix?endpoint=https://host:9000&region=eu-central-1
	AccessKey string
	SecretKey string
	Transport http.RoundTripper // nil: minio-go's
}

// Store is an assets.Objects.
type Store struct {
	client *minio.Client
	bucket string
	prefix string // "" or with a slash at the end
}

// Open checks the settings. It does not connect.
func Open(c Config) (*Store, error) {
	u, err := url.Parse(c.URL)
	if err != nil || u.Scheme != "s3" || u.Host == "" {
		return nil, errors.New("ASSET_STORE must be s3://bucket/prefix?endpoint=https://host&region=name")
	}
	q := u.Query()
	for name := range q {
		if name != "endpoint" && name != "region" {
			return nil, fmt.Errorf("ASSET_STORE has the parameter %q; endpoint and region are known", name)
		}
	}
	region := q.Get("region")
	host, secure := "s3.amazonaws.com", true
	lookup := minio.BucketLookupAuto
	if endpoint := q.Get("endpoint"); endpoint != "" {
		if !strings.Contains(endpoint, "://") {
			endpoint = "https://" + endpoint
		}
		e, err := url.Parse(endpoint)
		if err != nil || e.Host == "" || (e.Scheme != "http" && e.Scheme != "https") || strings.Trim(e.Path, "/") != "" {
			return nil, errors.New("endpoint in ASSET_STORE must be a host, or http:// or https:// and a host")
		}
		host, secure, lookup = e.Host, e.Scheme == "https", minio.BucketLookupPath
	} else if region == "" {
		return nil, errors.New("ASSET_STORE needs region, or endpoint for a server other than Amazon's")
	}
	if region == "" {
		region = "us-east-1" // what servers of one region take
	}
	client, err := minio.New(host, &minio.Options{
		Creds: credentials.NewStaticV4(c.AccessKey, c.SecretKey, ""), Secure: secure, Region: region,
		BucketLookup: lookup, Transport: c.Transport, MaxRetries: 3,
	})
	if err != nil {
		return nil, fmt.Errorf("ASSET_STORE: %w", err)
	}
	prefix := strings.Trim(u.Path, "/")
	if prefix != "" {
		prefix += "/"
	}
	return &Store{client: client, bucket: u.Host, prefix: prefix}, nil
}

// Close implements io.Closer. There is nothing to close.
func (s *Store) Close() error { return nil }

// Put implements assets.Objects. An object is there as a whole or not at all by the protocol.
func (s *Store) Put(ctx context.Context, key string, data []byte, mediaType string) error {
	_, err := s.client.PutObject(ctx, s.bucket, s.prefix+key, bytes.NewReader(data), int64(len(data)), minio.PutObjectOptions{
		ContentType: mediaType, CacheControl: "public, max-age=31536000, immutable", DisableMultipart: true,
	})
	return wrap("write picture", err)
}

// object reads on demand: a range costs one request.
type object struct {
	*minio.Object
	size int64
}

// Size implements assets.Object.
func (o *object) Size() int64 { return o.size }

// Open implements assets.Objects.
func (s *Store) Open(ctx context.Context, key string) (assets.Object, error) {
	o, err := s.client.GetObject(ctx, s.bucket, s.prefix+key, minio.GetObjectOptions{})
	if err != nil {
		return nil, wrap("read picture", err)
	}
	info, err := o.Stat()
	if err != nil {
		_ = o.Close()
		return nil, wrap("read picture", err)
	}
	return &object{o, info.Size}, nil
}

// Delete implements assets.Objects.
func (s *Store) Delete(ctx context.Context, keys ...string) error {
	for _, key := range keys {
		err := s.client.RemoveObject(ctx, s.bucket, s.prefix+key, minio.RemoveObjectOptions{})
		if err := wrap("remove picture", err); err != nil && !errors.Is(err, assets.ErrNoObject) {
			return err
		}
	}
	return nil
}

// Each implements assets.Objects.
func (s *Store) Each(ctx context.Context) iter.Seq2[assets.ObjectInfo, error] {
	return func(yield func(assets.ObjectInfo, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel() // ends the listing
		for o := range s.client.ListObjects(ctx, s.bucket, minio.ListObjectsOptions{Prefix: s.prefix, Recursive: true}) {
			if o.Err != nil {
				yield(assets.ObjectInfo{}, wrap("list pictures", o.Err))
				return
			}
			info := assets.ObjectInfo{Key: strings.TrimPrefix(o.Key, s.prefix), Size: o.Size, Modified: o.LastModified}
			if !yield(info, nil) {
				return
			}
		}
	}
}

// Check implements assets.Objects.
func (s *Store) Check(ctx context.Context) error {
	key := path.Join("check", "write")
	if err := s.Put(ctx, key, []byte("x"), "text/plain"); err != nil {
		return err
	}
	return s.Delete(ctx, key)
}

// Presign implements assets.Presigner.
func (s *Store) Presign(ctx context.Context, key string, ttl time.Duration, disposition string) (string, error) {
	params := url.Values{}
	if disposition != "" {
		params.Set("response-content-disposition", disposition)
	}
	u, err := s.client.PresignedGetObject(ctx, s.bucket, s.prefix+key, ttl, params)
	if err != nil {
		return "", wrap("presign picture", err)
	}
	return u.String(), nil
}

// wrap translates the errors of the server. Its message may name hosts, but no secret.
func wrap(op string, err error) error {
	if err == nil {
		return nil
	}
	if r := minio.ToErrorResponse(err); r.Code == "NoSuchKey" || r.Code == "" && r.StatusCode == http.StatusNotFound {
		return assets.ErrNoObject
	}
	return fmt.Errorf("%s: %w", op, err)
}
