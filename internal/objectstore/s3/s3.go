// Package s3 is an object store in an S3 bucket, or below a prefix of one. It is
// the only package that imports the S3 SDK.
//
// # Set-up
//
// Endpoint, region and credentials come from the SDK's own variables and files
// (AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL, AWS_REGION, AWS_ACCESS_KEY_ID, roles …).
// Nothing is requested before the first operation.
//
// Addresses that are given to others (PresignGet, PresignPart) are signed for
// Config.PublicEndpoint, if there is one: the host is part of a signature, so that
// it can not be changed afterwards. What passes their requests on must leave Host
// and path as they are.
//
// # Permissions
//
// With P for arn:aws:s3:::BUCKET/PREFIX*:
//
//	reading   s3:GetObject on P; s3:ListBucket on arn:aws:s3:::BUCKET
//	writing   s3:PutObject, s3:AbortMultipartUpload, s3:DeleteObject on P
//	copying   s3:GetObject on the source's P as well; s3:GetObjectTagging and
//	          s3:PutObjectTagging if the source's objects have tags
//
// Without s3:ListBucket S3 answers 403 instead of 404 for what is missing, and the
// import of a new slide would stop with kind Denied. It must not be limited by the
// condition s3:prefix: a read names no prefix, so the 403 would be back.
//
// # What is relied on
//
// Strong consistency; If-Match on GetObject, PutObject and CompleteMultipartUpload;
// If-None-Match: * on the last two; x-amz-copy-source-if-match; listing in order of
// the keys' bytes (general purpose buckets, not directory buckets). An answer
// with another ETag than asked for is kind Changed even from a server that ignores
// If-Match. A lifecycle rule that aborts incomplete multipart uploads is advisable:
// one is left behind when a process is killed while it writes.
//
// # Range reads
//
// A tile is a GET of a presigned URL over net/http: one is made for each object,
// used for five minutes of the fifteen for which it is valid, and made anew when
// the credentials are. Range and If-Match go as headers that are not signed, which
// S3 allows and heeds. Everything else, and every range where presigned URLs can
// not be used or are refused (a bucket policy on s3:authType or s3:signatureAge),
// is read by the SDK. What this saves: docs/performance.md, "S3 range reads".
//
// # Retries
//
// As every driver, this one does not retry: the decorator does. The exception are
// the parts of a multipart upload, whose bytes are nowhere else: the SDK tries each
// one three times.
package s3

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/internal/objectstore"
)

// Config names a bucket. The zero values of all but Bucket are usable.
type Config struct {
	Bucket string
	// Prefix is put before all keys: "" or ending in "/".
	Prefix string
	// PathStyle addresses the bucket in the path instead of the host name.
	PathStyle bool
	// PublicEndpoint is where others reach the server (https://host or
	// https://host:port), for the addresses that are given to them; "" where it
	// is the endpoint of this process.
	PublicEndpoint string
	// AnswerTimeout bounds how long the server may take to begin its answer to
	// a read or a part; 0 means 30 s. Copies and completions get ten minutes.
	AnswerTimeout time.Duration
	// PartBytes is the least size of a part of a multipart upload; 0 means
	// 8 MiB. Below 5 MiB only servers other than AWS accept it. A write holds at
	// most 5 parts in memory.
	PartBytes int64
	// CopyBytes is the size above which a copy is made in parts, and the size
	// of these; 0 means 5 GiB, S3's limit for a copy in one request, with parts
	// of 1 GiB.
	CopyBytes int64
}

const (
	defaultAnswerTimeout = 30 * time.Second
	slowAnswerTimeout    = 10 * time.Minute
	defaultPartBytes     = 8 << 20
	defaultCopyBytes     = 5 << 30
	defaultCopyPartBytes = 1 << 30
	// defaultRegion is what servers other than AWS call themselves.
	defaultRegion = "us-east-1"
)

// Open makes a store of a bucket with the SDK's default configuration.
func Open(ctx context.Context, c Config) (objectstore.Driver, error) {
	sdk, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return nil, fault.New(fault.Invalid, "store-aws-config",
			"The AWS configuration can not be used; check the AWS_ variables and ~/.aws.").Because(err)
	}
	return New(sdk, c)
}

// New makes a store of a bucket with a given SDK configuration.
func New(sdk aws.Config, c Config) (objectstore.Driver, error) {
	if c.Bucket == "" {
		return nil, fault.New(fault.Invalid, "store-url", "The S3 store has no bucket.")
	}
	if c.Prefix != "" {
		if err := objectstore.CheckKey(strings.TrimSuffix(c.Prefix, "/")); err != nil || !strings.HasSuffix(c.Prefix, "/") {
			return nil, fault.New(fault.Invalid, "store-url", "The S3 prefix %q must be a key with a / behind it.", c.Prefix).Because(err)
		}
	}
	c.AnswerTimeout = orDefault(c.AnswerTimeout, defaultAnswerTimeout)
	d := &driver{
		config:        c,
		partBytes:     orDefault(c.PartBytes, defaultPartBytes),
		copyBytes:     orDefault(c.CopyBytes, defaultCopyBytes),
		copyPartBytes: orDefault(c.CopyBytes, defaultCopyPartBytes),
	}
	var quick http.RoundTripper // nil: the HTTP client is not ours
	base, adaptable := clientOf(sdk)
	if adaptable {
		quick = quickTransport(base, c.AnswerTimeout)
	}
	options := func(o *s3.Options) {
		o.UsePathStyle = c.PathStyle
		o.Retryer = aws.NopRetryer{}
		if adaptable {
			o.HTTPClient = sdkClient(quick)
		}
		// A range of an object has no checksum; no need to say so every time.
		o.DisableLogOutputChecksumValidationSkipped = true
		if o.Region == "" {
			o.Region = defaultRegion
		}
	}
	d.client = s3.NewFromConfig(sdk, options)
	d.forOthers = s3.NewPresignClient(d.client)
	if c.PublicEndpoint != "" {
		d.forOthers = s3.NewPresignClient(s3.NewFromConfig(sdk, options, func(o *s3.Options) { o.BaseEndpoint = &c.PublicEndpoint }))
	}
	d.patient = d.client.Options().HTTPClient
	if adaptable {
		d.patient = patientClient(base, slowAnswerTimeout)
	}
	d.signer = newSigner(d.client, c.Bucket, quick, time.Now)
	return d, nil
}

func orDefault[T int64 | time.Duration](v, otherwise T) T {
	if v <= 0 {
		return otherwise
	}
	return v
}

// driver is safe for concurrent use; nothing in it changes but what signer keeps.
type driver struct {
	client        *s3.Client
	forOthers     *s3.PresignClient // signs what browsers and other programs use
	config        Config
	partBytes     int64
	copyBytes     int64
	copyPartBytes int64
	patient       s3.HTTPClient
	signer        *signer // nil: the SDK reads everything
}

// URL is s3://bucket/prefix.
func (d *driver) URL() string {
	return strings.TrimSuffix("s3://"+d.config.Bucket+"/"+d.config.Prefix, "/")
}

func (d *driver) bucket() *string { return &d.config.Bucket }

// key is the full key of ours.
func (d *driver) key(key string) *string {
	full := d.config.Prefix + key
	return &full
}

// copySource names an object in the header of a copy, where it must be escaped.
func (d *driver) copySource(key string) *string {
	u := url.URL{Path: d.config.Bucket + "/" + *d.key(key)}
	// A plus sign is a plus in a path but a space to some servers.
	escaped := strings.ReplaceAll(u.EscapedPath(), "+", "%2B")
	return &escaped
}

// slowly is for requests that the server may work on for minutes.
func (d *driver) slowly(o *s3.Options) { o.HTTPClient = d.patient }

// quoted is an ETag as HTTP wants it; nil when there is none.
func quoted(etag string) *string {
	if etag == "" {
		return nil
	}
	q := `"` + etag + `"`
	return &q
}

// unquoted is an ETag as this project writes it.
func unquoted(etag *string) string { return strings.Trim(aws.ToString(etag), `"`) }
