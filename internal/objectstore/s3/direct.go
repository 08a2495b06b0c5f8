package s3

import (
	"context"
	"errors"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/internal/objectstore"
)

// BeginUpload implements objectstore.DirectUploader. A checked upload has the
// type COMPOSITE: S3 verifies each part by itself, and the list of them.
func (d *driver) BeginUpload(ctx context.Context, key string, checked bool) (string, error) {
	input := &s3.CreateMultipartUploadInput{Bucket: d.bucket(), Key: d.key(key), ContentType: contentType(objectstore.PutOptions{})}
	if checked {
		input.ChecksumAlgorithm = types.ChecksumAlgorithmCrc32c
		input.ChecksumType = types.ChecksumTypeComposite
	}
	out, err := d.client.CreateMultipartUpload(ctx, input, partRetries, onlyWhatIsAsked)
	if err != nil {
		return "", d.failed(ctx, "write", key, err)
	}
	return *out.UploadId, nil
}

// onlyWhatIsAsked keeps the SDK from choosing a checksum that the client of the
// address would have to know of.
func onlyWhatIsAsked(o *s3.Options) {
	o.RequestChecksumCalculation = aws.RequestChecksumCalculationWhenRequired
}

// PresignPart implements objectstore.DirectUploader. Length and checksum are
// signed headers: S3 refuses a body of another length before it comes.
func (d *driver) PresignPart(ctx context.Context, u objectstore.DirectUpload, p objectstore.DirectPart, validFor time.Duration) (objectstore.PartAddress, error) {
	input := &s3.UploadPartInput{
		Bucket: d.bucket(), Key: d.key(u.Key), UploadId: &u.ID,
		PartNumber: aws.Int32(int32(p.Number)), ContentLength: &p.Size,
	}
	if p.CRC32C != "" {
		input.ChecksumCRC32C = &p.CRC32C
	}
	signed, err := d.forOthers.PresignUploadPart(ctx, input, func(o *s3.PresignOptions) {
		o.Expires = validFor
		o.ClientOptions = append(o.ClientOptions, onlyWhatIsAsked)
		o.Presigner = v4.NewSigner(func(o *v4.SignerOptions) {
			o.DisableURIPathEscaping = true // S3 wants paths as they are
			o.DisableHeaderHoisting = true  // not every server looks for a checksum in the query
		})
	})
	if err != nil {
		return objectstore.PartAddress{}, d.failed(ctx, "sign an address of", u.Key, err)
	}
	address := objectstore.PartAddress{URL: signed.URL, Header: map[string]string{}}
	for name, values := range signed.SignedHeader {
		switch name {
		case "Host", "Content-Length": // every client sends them by itself
		default:
			address.Header[name] = values[0]
		}
	}
	return address, nil
}

// UploadedParts implements objectstore.DirectUploader: a request for each
// thousand parts.
func (d *driver) UploadedParts(ctx context.Context, u objectstore.DirectUpload) ([]objectstore.DirectPart, error) {
	var parts []objectstore.DirectPart
	pages := s3.NewListPartsPaginator(d.client, &s3.ListPartsInput{Bucket: d.bucket(), Key: d.key(u.Key), UploadId: &u.ID},
		func(o *s3.ListPartsPaginatorOptions) { o.StopOnDuplicateToken = true })
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx, partRetries)
		if err != nil {
			return nil, d.uploadFailed(ctx, "list the parts of", u.Key, err)
		}
		for _, p := range page.Parts {
			parts = append(parts, objectstore.DirectPart{
				Number: int(aws.ToInt32(p.PartNumber)), Size: aws.ToInt64(p.Size),
				ETag: unquoted(p.ETag), CRC32C: aws.ToString(p.ChecksumCRC32C),
			})
		}
	}
	return parts, nil
}

// CompleteUpload implements objectstore.DirectUploader.
func (d *driver) CompleteUpload(ctx context.Context, u objectstore.DirectUpload, parts []objectstore.DirectPart) (objectstore.Object, error) {
	completed := make([]types.CompletedPart, len(parts))
	var size int64
	for i, p := range parts {
		completed[i] = types.CompletedPart{PartNumber: aws.Int32(int32(p.Number)), ETag: quoted(p.ETag)}
		if p.CRC32C != "" {
			completed[i].ChecksumCRC32C = aws.String(p.CRC32C)
		}
		size += p.Size
	}
	out, err := d.client.CompleteMultipartUpload(ctx, &s3.CompleteMultipartUploadInput{
		Bucket: d.bucket(), Key: d.key(u.Key), UploadId: &u.ID,
		MultipartUpload: &types.CompletedMultipartUpload{Parts: completed},
	}, partRetries, d.slowly)
	if err != nil {
		return objectstore.Object{}, d.uploadFailed(ctx, "write", u.Key, err)
	}
	return written(u.Key, size, out.ETag, out.ResultMetadata), nil
}

// AbortUpload implements objectstore.DirectUploader.
func (d *driver) AbortUpload(ctx context.Context, u objectstore.DirectUpload) error {
	_, err := d.client.AbortMultipartUpload(ctx, &s3.AbortMultipartUploadInput{
		Bucket: d.bucket(), Key: d.key(u.Key), UploadId: &u.ID,
	}, partRetries)
	return d.uploadFailed(ctx, "abort the upload of", u.Key, err)
}

// uploadFailed is failed for what concerns an upload rather than an object.
func (d *driver) uploadFailed(ctx context.Context, doing, key string, err error) error {
	var api smithy.APIError
	if ctx.Err() == nil && errors.As(err, &api) {
		switch api.ErrorCode() {
		case "NoSuchUpload":
			return objectstore.NoUpload(key).Because(err)
		case "InvalidPart", "InvalidPartOrder", "EntityTooSmall", "BadDigest", "InvalidDigest", "MalformedXML", "InvalidRequest", "InvalidArgument":
			return fault.New(fault.Invalid, "store-parts",
				"The parts of %q are not what was uploaded (%s): send the missing ones again, then complete with the ETags and checksums of all.", key, api.ErrorCode()).Because(err)
		}
	}
	return d.failed(ctx, doing, key, err)
}
