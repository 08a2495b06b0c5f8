package objectstore

import (
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/internal/config/units"
)

// Config says where slides and uploads lie and how patiently they are asked for.
type Config struct {
	SlidesURL   string `env:"STORE_URL" envDefault:"file:data/slides" desc:"Where slides lie: file:///folder, file:folder (below the working folder), s3://bucket/prefix, or memory:"`
	UploadsURL  string `env:"UPLOADS_URL" envDefault:"file:data/uploads" desc:"Where uploads arrive; as STORE_URL"`
	S3PathStyle bool   `env:"S3_PATH_STYLE" envDefault:"false" desc:"Address buckets as a path instead of a host name, as most S3 servers other than AWS want; the endpoint is AWS_ENDPOINT_URL_S3 or AWS_ENDPOINT_URL"`
	// S3PublicEndpoint is part of what is signed.
	S3PublicEndpoint string `env:"S3_PUBLIC_ENDPOINT" desc:"Where browsers and other clients reach S3, if that is not the endpoint of this process: https://host or https://host:port; for the addresses of parts of uploads, of EXPORT_LINK and of large replies"`
	Concurrency      int    `env:"STORE_CONCURRENCY" envDefault:"128" desc:"How many reads of one store are under way at once at most; likewise writes"`
	// Attempts includes the first one.
	Attempts      int           `env:"STORE_ATTEMPTS" envDefault:"4" desc:"How often one request is tried when the store is busy or can not be reached; 1 never tries again"`
	RetryBase     time.Duration `env:"STORE_RETRY_BASE" envDefault:"50ms" desc:"The longest pause before the second attempt; it doubles with every further one"`
	RetryMax      time.Duration `env:"STORE_RETRY_MAX" envDefault:"2s" desc:"The longest pause between two attempts"`
	CoalesceGap   int64         `env:"STORE_COALESCE_GAP" envDefault:"0" desc:"Ranges of one batch at most this many bytes apart are read as one"`
	HedgeAfter    string        `env:"STORE_HEDGE_AFTER" desc:"Ask a second time for a small read that is not answered after this: a time (80ms), or a percentile of the recent reads (p95); at most one read in 20; empty: never"`
	HeaderCache   units.Bytes   `env:"STORE_HEADER_CACHE" envDefault:"0" desc:"Memory for blocks of 64 KiB of the structure of sources that are being imported; for sources in S3; 0: none"`
	AnswerTimeout time.Duration `env:"STORE_TIMEOUT" envDefault:"30s" desc:"How long S3 may take to begin its answer to one request"`
}

// Validate says which variable is wrong, what it holds and what is expected.
func (c Config) Validate() error {
	if _, err := ParseURL(c.SlidesURL); err != nil {
		return inVariable("STORE_URL", err)
	}
	if _, err := ParseURL(c.UploadsURL); err != nil {
		return inVariable("UPLOADS_URL", err)
	}
	positive := func(name string, value any, ok bool) error {
		if ok {
			return nil
		}
		return fault.New(fault.Invalid, "config-value", "%s is %v; it must be more than 0.", name, value)
	}
	for _, err := range []error{
		positive("STORE_CONCURRENCY", c.Concurrency, c.Concurrency > 0),
		positive("STORE_ATTEMPTS", c.Attempts, c.Attempts > 0),
		positive("STORE_RETRY_BASE", c.RetryBase, c.RetryBase > 0),
		positive("STORE_RETRY_MAX", c.RetryMax, c.RetryMax > 0),
		positive("STORE_TIMEOUT", c.AnswerTimeout, c.AnswerTimeout > 0),
	} {
		if err != nil {
			return err
		}
	}
	if c.CoalesceGap < 0 || c.CoalesceGap > maxMergedBytes {
		return fault.New(fault.Invalid, "config-value",
			"STORE_COALESCE_GAP is %d; it must be between 0 and %d bytes.", c.CoalesceGap, maxMergedBytes)
	}
	if c.HeaderCache < 0 {
		return fault.New(fault.Invalid, "config-value", "STORE_HEADER_CACHE is %d; it must be 0 or more bytes.", int64(c.HeaderCache))
	}
	if err := checkEndpoint(c.S3PublicEndpoint); err != nil {
		return err
	}
	_, err := ParseHedge(c.HedgeAfter)
	return err
}

// checkEndpoint accepts "" and what a signature can be made for: a server without
// a path, which a proxy would have to take off again.
func checkEndpoint(endpoint string) error {
	if endpoint == "" {
		return nil
	}
	u, err := url.Parse(endpoint)
	if err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Hostname() != "" && *u == (url.URL{Scheme: u.Scheme, Host: u.Host}) {
		return nil
	}
	if _, after, ok := strings.Cut(endpoint, "@"); ok {
		endpoint = "…@" + after // what stands before it may be a secret
	}
	return fault.New(fault.Invalid, "config-value",
		"S3_PUBLIC_ENDPOINT is %.200q; it must be https://host or https://host:port, without a path.", endpoint)
}

func inVariable(name string, err error) error {
	return fault.New(fault.Invalid, "config-value", "%s: %s", name, fault.Sentence(err)).Because(err)
}

// Standard puts the decorators around driver in the project's order, outermost
// first: meter, limit, blocks, coalesce, hedge, retry. Blocks and hedge are left
// out unless they are configured. The configuration must be valid.
func Standard(driver Driver, c Config) *Metered {
	d := Retry(driver, RetryPolicy{Attempts: c.Attempts, Base: c.RetryBase, Max: c.RetryMax})
	if policy, err := ParseHedge(c.HedgeAfter); err == nil && c.HedgeAfter != "" {
		d = Hedge(d, policy)
	}
	d = Coalesce(d, c.CoalesceGap)
	if c.HeaderCache > 0 {
		d = Blocks(d, int64(c.HeaderCache))
	}
	return Meter(Limit(d, c.Concurrency))
}

// Scheme is a kind of store.
type Scheme string

// The schemes of store URLs.
const (
	SchemeFile   Scheme = "file"
	SchemeS3     Scheme = "s3"
	SchemeMemory Scheme = "memory"
)

// Location is a parsed store URL.
type Location struct {
	Scheme Scheme
	Path   string // of SchemeFile: absolute, or relative to the working folder
	Bucket string // of SchemeS3
	Prefix string // of SchemeS3: "" or ending in "/"
}

// String is the URL again, in its canonical form.
func (l Location) String() string {
	switch l.Scheme {
	case SchemeFile:
		u := url.URL{Path: l.Path}
		if strings.HasPrefix(l.Path, "/") {
			return "file://" + u.EscapedPath()
		}
		return "file:" + u.EscapedPath()
	case SchemeS3:
		return strings.TrimSuffix("s3://"+l.Bucket+"/"+l.Prefix, "/")
	default:
		return string(l.Scheme) + ":"
	}
}

// ParseURL reads a store URL: file:///absolute/path, file:relative/path (also
// accepted as file://relative/path), s3://bucket or s3://bucket/prefix, memory:.
// In file URLs %XX stands for a byte, as in all URLs. Kind Invalid otherwise.
func ParseURL(raw string) (Location, error) {
	scheme, rest, ok := strings.Cut(raw, ":")
	if !ok {
		return Location{}, urlFault(raw, "has no scheme")
	}
	switch Scheme(strings.ToLower(scheme)) {
	case SchemeFile:
		path, err := url.PathUnescape(strings.TrimPrefix(rest, "//"))
		if err != nil {
			return Location{}, urlFault(raw, "has a % that is not followed by two hexadecimal digits (write %25 for a percent sign)")
		}
		if path == "" || strings.ContainsRune(path, 0) {
			return Location{}, urlFault(raw, "names no folder")
		}
		return Location{Scheme: SchemeFile, Path: path}, nil
	case SchemeS3:
		return parseS3(raw, rest)
	case SchemeMemory:
		if strings.Trim(rest, "/") != "" {
			return Location{}, urlFault(raw, "has something behind memory:")
		}
		return Location{Scheme: SchemeMemory}, nil
	}
	return Location{}, urlFault(raw, fmt.Sprintf("has the unknown scheme %.20q", scheme))
}

func parseS3(raw, rest string) (Location, error) {
	rest, ok := strings.CutPrefix(rest, "//")
	bucket, prefix, _ := strings.Cut(rest, "/")
	if !ok || bucket == "" {
		return Location{}, urlFault(raw, "names no bucket")
	}
	if strings.ContainsAny(bucket, "@:?#% ") {
		return Location{}, urlFault(raw, "has a bucket name with characters that buckets can not have (credentials belong into the SDK's own variables)")
	}
	prefix = strings.TrimSuffix(prefix, "/")
	if prefix == "" {
		return Location{Scheme: SchemeS3, Bucket: bucket}, nil
	}
	if why := keyDefect(prefix); why != "" {
		return Location{}, urlFault(raw, "has a prefix that "+why)
	}
	return Location{Scheme: SchemeS3, Bucket: bucket, Prefix: prefix + "/"}, nil
}

// urlFault does not repeat what stands before an @: it may be a secret.
func urlFault(raw, why string) error {
	if _, after, ok := strings.Cut(raw, "@"); ok {
		raw = "…@" + after
	}
	return fault.New(fault.Invalid, "store-url",
		"The store URL %.200q %s; expected file:///folder, file:folder, s3://bucket/prefix or memory:.", raw, why)
}
