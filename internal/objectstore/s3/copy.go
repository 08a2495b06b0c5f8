package s3

import (
	"bytes"
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/internal/objectstore"
)

// CopyFrom copies within S3. Both stores use the credentials of this process.
//
// A conditional copy is made in parts whatever its size: S3 heeds conditions on
// CopyObject, but other servers have been seen to ignore them there, and losing
// a slide to that is worse than two more requests.
func (d *driver) CopyFrom(ctx context.Context, from objectstore.Driver, o objectstore.Object, key string, options objectstore.PutOptions) (objectstore.Object, bool, error) {
	other, ok := from.(*driver)
	if !ok {
		return objectstore.Object{}, false, nil
	}
	conditional := options.OnlyIfAbsent || options.OnlyIfETag != ""
	copyBy := d.copyWhole
	switch {
	case conditional && o.Size == 0:
		copyBy = d.copyEmpty
	case conditional || o.Size > d.copyBytes:
		copyBy = d.copyParts
	}
	copied, err := copyBy(ctx, other, o, key, options)
	return copied, true, err
}

func (d *driver) copyWhole(ctx context.Context, other *driver, o objectstore.Object, key string, options objectstore.PutOptions) (objectstore.Object, error) {
	input := &s3.CopyObjectInput{
		Bucket: d.bucket(), Key: d.key(key),
		CopySource: other.copySource(o.Key), CopySourceIfMatch: quoted(o.ETag),
	}
	if options.ContentType != "" {
		input.ContentType, input.MetadataDirective = &options.ContentType, types.MetadataDirectiveReplace
	}
	out, err := d.client.CopyObject(ctx, input, d.slowly)
	if err != nil {
		return objectstore.Object{}, d.notCopied(ctx, other, o, err)
	}
	if out.CopyObjectResult == nil {
		return objectstore.Object{}, silent(o.Key)
	}
	return written(key, o.Size, out.CopyObjectResult.ETag, out.ResultMetadata), nil
}

func silent(key string) error {
	return fault.New(fault.Internal, "store-failed", "S3 copied %q without saying what it made.", key)
}

// copyEmpty copies nothing, of which S3 makes no part.
func (d *driver) copyEmpty(ctx context.Context, other *driver, o objectstore.Object, key string, options objectstore.PutOptions) (objectstore.Object, error) {
	if err := other.check(ctx, o); err != nil {
		return objectstore.Object{}, err
	}
	return d.Put(ctx, key, bytes.NewReader(nil), 0, options)
}

// check reports whether o is still there in this version.
func (d *driver) check(ctx context.Context, o objectstore.Object) error {
	now, err := d.Stat(ctx, o.Key)
	if err != nil {
		return err
	}
	if now.ETag != o.ETag {
		return objectstore.Changed(o.Key)
	}
	return nil
}

// notCopied gives a failed copy its kind. Servers look at a part's range before
// they look at the version, so the version is asked for when the failure has no
// other explanation.
func (d *driver) notCopied(ctx context.Context, other *driver, o objectstore.Object, err error) error {
	out := d.failed(ctx, "copy", o.Key, err)
	if fault.KindOf(out) != fault.Internal {
		return out
	}
	if checked := other.check(ctx, o); checked != nil {
		return checked
	}
	return out
}

// copyParts copies what is too large for one request, or what is conditional.
func (d *driver) copyParts(ctx context.Context, other *driver, o objectstore.Object, key string, options objectstore.PutOptions) (objectstore.Object, error) {
	u, err := d.begin(ctx, key, false, options)
	if err != nil {
		return objectstore.Object{}, err
	}
	partBytes := max(d.copyPartBytes, newPartSizes(0, o.Size).least)
	err = u.inParallel(ctx, func(start func(func(context.Context) error)) error {
		for n, offset := int32(1), int64(0); offset < o.Size; n, offset = n+1, offset+partBytes {
			last := min(offset+partBytes, o.Size) - 1
			start(func(ctx context.Context) error { return u.copyPart(ctx, other, o, n, offset, last) })
		}
		return nil
	})
	if err != nil {
		u.abort(ctx)
		return objectstore.Object{}, err
	}
	copied, err := u.complete(ctx, o.Size)
	if err != nil {
		u.abort(ctx)
	}
	return copied, err
}

func (u *upload) copyPart(ctx context.Context, other *driver, o objectstore.Object, n int32, first, last int64) error {
	out, err := u.d.client.UploadPartCopy(ctx, &s3.UploadPartCopyInput{
		Bucket: u.d.bucket(), Key: u.d.key(u.key), UploadId: u.id, PartNumber: &n,
		CopySource: other.copySource(o.Key), CopySourceIfMatch: quoted(o.ETag),
		CopySourceRange: aws.String(fmt.Sprintf("bytes=%d-%d", first, last)),
	}, u.d.slowly, partRetries)
	if err != nil {
		return u.d.notCopied(ctx, other, o, err)
	}
	if out.CopyPartResult == nil {
		return silent(o.Key)
	}
	u.add(types.CompletedPart{PartNumber: &n, ETag: out.CopyPartResult.ETag})
	return nil
}
