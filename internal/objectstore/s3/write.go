package s3

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/middleware"

	"github.com/pims-cloud/pims/internal/objectstore"
)

// conditions are the headers of a conditional write.
func conditions(o objectstore.PutOptions) (ifMatch, ifNoneMatch *string) {
	if o.OnlyIfAbsent {
		return nil, aws.String("*")
	}
	return quoted(o.OnlyIfETag), nil
}

func contentType(o objectstore.PutOptions) *string {
	if o.ContentType == "" {
		return aws.String("application/octet-stream")
	}
	return &o.ContentType
}

// written is the object that a write made. S3 tells its time only roughly: by
// the clock of the answer.
func written(key string, size int64, etag *string, answer middleware.Metadata) objectstore.Object {
	o := objectstore.Object{Key: key, Size: size, ETag: unquoted(etag)}
	if at, ok := awsmiddleware.GetServerTime(answer); ok {
		o.ModTime = at.UTC().Truncate(time.Second)
	}
	return o
}

// notWritten is failed for writes: what a conditional write does not find is no
// missing key but a condition that does not hold.
func (d *driver) notWritten(ctx context.Context, key string, options objectstore.PutOptions, err error) error {
	if options.OnlyIfETag != "" && isNoSuchKey(err) {
		return objectstore.Changed(key).Because(err)
	}
	return d.failed(ctx, "write", key, err)
}

func isNoSuchKey(err error) bool {
	var api smithy.APIError
	return isStatus(err, http.StatusNotFound) && (!errors.As(err, &api) || api.ErrorCode() != "NoSuchBucket")
}

// Put sends a body that fits into one part as one request, everything else as
// parts; in both cases from memory, because only then can the SDK sign and check
// what it sends, and send a part again.
func (d *driver) Put(ctx context.Context, key string, body io.Reader, size int64, options objectstore.PutOptions) (objectstore.Object, error) {
	part := newPartSizes(d.partBytes, size)
	first := make([]byte, 0, firstBuffer(part.of(1), size))
	first, err := readUpTo(body, first, part.of(1))
	if err != nil && !errors.Is(err, io.EOF) {
		return objectstore.Object{}, err
	}
	if err == nil {
		return d.putParts(ctx, key, first, body, part, options)
	}
	ifMatch, ifNoneMatch := conditions(options)
	out, err := d.client.PutObject(ctx, &s3.PutObjectInput{
		Bucket: d.bucket(), Key: d.key(key), ContentType: contentType(options),
		Body: bytes.NewReader(first), ContentLength: aws.Int64(int64(len(first))),
		IfMatch: ifMatch, IfNoneMatch: ifNoneMatch,
	})
	if err != nil {
		return objectstore.Object{}, d.notWritten(ctx, key, options, err)
	}
	return written(key, int64(len(first)), out.ETag, out.ResultMetadata), nil
}

// firstBuffer is how much to allocate before anything was read: small objects
// are many, and a full part for each of them would be waste.
func firstBuffer(partBytes, size int64) int64 {
	if size >= 0 {
		return min(size+1, partBytes+1)
	}
	return min(partBytes+1, 64<<10)
}

// readUpTo fills data to n bytes, growing it as they come; io.EOF when the
// body ended at or before n bytes.
func readUpTo(body io.Reader, data []byte, n int64) ([]byte, error) {
	for int64(len(data)) <= n {
		if len(data) == cap(data) {
			grown := make([]byte, len(data), min(int64(cap(data))*2+512, n+1))
			copy(grown, data)
			data = grown
		}
		// One byte more than a part tells whether there is another one.
		read, err := body.Read(data[len(data):min(int64(cap(data)), n+1)])
		data = data[:len(data)+read]
		if err != nil {
			return data, err
		}
	}
	return data, nil
}

// maxParts is S3's bound on the parts of one upload.
const maxParts = 10_000

// partSizes says how large each part of an upload is.
type partSizes struct {
	least int64
	grow  bool
}

func newPartSizes(least, size int64) partSizes {
	if size < 0 {
		return partSizes{least: least, grow: true}
	}
	const unit = 1 << 20
	needed := (size/maxParts + unit) / unit * unit
	return partSizes{least: max(least, needed)}
}

// of is the size of part n, from 1 on. For a body of unknown size it doubles
// every 1000 parts, so that 5 TiB, S3's bound, fit.
func (p partSizes) of(n int32) int64 {
	if !p.grow {
		return p.least
	}
	return p.least << ((n - 1) / 1000)
}

// begin starts a multipart upload. With checked parts, S3 verifies each one's
// CRC-32; parts that it copies itself are its own affair.
func (d *driver) begin(ctx context.Context, key string, checked bool, options objectstore.PutOptions) (*upload, error) {
	input := &s3.CreateMultipartUploadInput{
		Bucket: d.bucket(), Key: d.key(key), ContentType: contentType(options),
	}
	if checked {
		input.ChecksumAlgorithm = types.ChecksumAlgorithmCrc32
	}
	out, err := d.client.CreateMultipartUpload(ctx, input, func(o *s3.Options) {
		if !checked { // otherwise the SDK asks for one
			o.RequestChecksumCalculation = aws.RequestChecksumCalculationWhenRequired
		}
	})
	if err != nil {
		return nil, d.failed(ctx, "write", key, err)
	}
	return &upload{d: d, key: key, id: out.UploadId, options: options}, nil
}

// abortTimeout bounds the tidying up after a failure, which goes on when the
// context of the write has ended.
const abortTimeout = 20 * time.Second

// abort gives up what was uploaded. A failure to do so leaves parts behind that
// a lifecycle rule removes; the error that led here matters more.
func (u *upload) abort(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), abortTimeout)
	defer cancel()
	_, _ = u.d.client.AbortMultipartUpload(ctx, &s3.AbortMultipartUploadInput{
		Bucket: u.d.bucket(), Key: u.d.key(u.key), UploadId: u.id,
	})
}

// complete makes the parts an object, if the conditions hold.
func (u *upload) complete(ctx context.Context, size int64) (objectstore.Object, error) {
	ifMatch, ifNoneMatch := conditions(u.options)
	out, err := u.d.client.CompleteMultipartUpload(ctx, &s3.CompleteMultipartUploadInput{
		Bucket: u.d.bucket(), Key: u.d.key(u.key), UploadId: u.id,
		MultipartUpload: &types.CompletedMultipartUpload{Parts: u.sorted()},
		IfMatch:         ifMatch, IfNoneMatch: ifNoneMatch,
	}, u.d.slowly)
	if err != nil {
		return objectstore.Object{}, u.d.notWritten(ctx, u.key, u.options, err)
	}
	return written(u.key, size, out.ETag, out.ResultMetadata), nil
}
