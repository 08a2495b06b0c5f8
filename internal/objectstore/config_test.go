package objectstore_test

import (
	"strings"
	"testing"
	"time"

	"github.com/caarlos0/env/v11"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/internal/objectstore"
)

func TestParseURL(t *testing.T) {
	for raw, want := range map[string]objectstore.Location{
		"file:///srv/slides":     {Scheme: "file", Path: "/srv/slides"},
		"file:data/slides":       {Scheme: "file", Path: "data/slides"},
		"file://data/slides":     {Scheme: "file", Path: "data/slides"},
		"file:/srv":              {Scheme: "file", Path: "/srv"},
		"file:///a%20b/100%25/ü": {Scheme: "file", Path: "/a b/100%/ü"},
		"s3://bucket":            {Scheme: "s3", Bucket: "bucket"},
		"s3://bucket/":           {Scheme: "s3", Bucket: "bucket"},
		"s3://bucket/a/b":        {Scheme: "s3", Bucket: "bucket", Prefix: "a/b/"},
		"s3://my.bucket-1/a/b/":  {Scheme: "s3", Bucket: "my.bucket-1", Prefix: "a/b/"},
		"memory:":                {Scheme: "memory"},
		"memory://":              {Scheme: "memory"},
		"S3://bucket/x":          {Scheme: "s3", Bucket: "bucket", Prefix: "x/"},
	} {
		got, err := objectstore.ParseURL(raw)
		if err != nil || got != want {
			t.Errorf("%q: %+v, %v; want %+v", raw, got, err, want)
			continue
		}
		if again, err := objectstore.ParseURL(got.String()); err != nil || again != got {
			t.Errorf("%q is written as %q, which is %+v, %v", raw, got.String(), again, err)
		}
	}
	for _, raw := range []string{
		"", "data/slides", "/srv/slides", "http://x", "file:", "file://", "file:///a%zz", "file:a%00b", "s3:", "s3:bucket", "s3://", "s3:///key",
		"s3://bucket//a", "s3://bucket/../a", "s3://bucket/a//b", "s3://buck et", "memory:x", "s3://key:secret@bucket/x",
	} {
		_, err := objectstore.ParseURL(raw)
		if fault.CodeOf(err) != "store-url" {
			t.Errorf("%q: error %v, want code store-url", raw, err)
		}
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("the error tells the secret: %v", err)
		}
	}
}

func FuzzParseURL(f *testing.F) {
	for _, seed := range []string{"file:///a", "s3://b/p", "memory:", "file:%", "s3://b/%41"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		l, err := objectstore.ParseURL(raw)
		if err != nil {
			return
		}
		if again, err := objectstore.ParseURL(l.String()); err != nil || again != l {
			t.Errorf("%q: %+v is written as %q, which is %+v, %v", raw, l, l.String(), again, err)
		}
	})
}

func TestConfigDefaultsAndComplaints(t *testing.T) {
	load := func(vars map[string]string) (c objectstore.Config, err error) {
		err = env.ParseWithOptions(&c, env.Options{Environment: vars})
		return c, err
	}
	c, err := load(nil)
	if err != nil || c.Validate() != nil {
		t.Fatalf("the defaults: %v, %v", err, c.Validate())
	}
	if c.SlidesURL != "file:data/slides" || c.UploadsURL != "file:data/uploads" || c.S3PathStyle || c.Concurrency != 128 || c.RetryMax != 2*time.Second || c.CoalesceGap != 0 {
		t.Errorf("the defaults are %+v", c)
	}
	for _, endpoint := range []string{"s3.example", "ftp://s3.example", "https://", "https://:443", "https://s3.example/", "https://s3.example/store", "https://s3.example?x", "https://key:secret@s3.example"} {
		c, err := load(map[string]string{"S3_PUBLIC_ENDPOINT": endpoint})
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Validate(); fault.KindOf(err) != fault.Invalid || !strings.Contains(err.Error(), "S3_PUBLIC_ENDPOINT") || strings.Contains(err.Error(), "secret") {
			t.Errorf("S3_PUBLIC_ENDPOINT=%s: %v; want a complaint that names the variable and no secret", endpoint, err)
		}
	}
	for _, endpoint := range []string{"https://s3.example", "http://127.0.0.1:9000", "https://[::1]:9000"} {
		if c, err := load(map[string]string{"S3_PUBLIC_ENDPOINT": endpoint}); err != nil || c.Validate() != nil {
			t.Errorf("S3_PUBLIC_ENDPOINT=%s: %v, %v", endpoint, err, c.Validate())
		}
	}
	for name, value := range map[string]string{
		"STORE_URL": "ftp://x", "UPLOADS_URL": "s3://", "STORE_CONCURRENCY": "0", "STORE_ATTEMPTS": "-1", "STORE_RETRY_BASE": "0s",
		"STORE_RETRY_MAX": "-1s", "STORE_COALESCE_GAP": "-1", "STORE_TIMEOUT": "0s", "STORE_HEDGE_AFTER": "soon",
	} {
		c, err := load(map[string]string{name: value})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		err = c.Validate()
		if fault.KindOf(err) != fault.Invalid || !strings.Contains(fault.Sentence(err), name) {
			t.Errorf("%s=%s: %v; want a complaint that names the variable", name, value, err)
		}
	}
}
