package s3

import (
	"context"
	"iter"
	"net/url"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/internal/objectstore"
)

// pages walks the pages of a listing, each with at most 1000 entries.
func (d *driver) pages(ctx context.Context, prefix string, delimiter *string) iter.Seq2[*s3.ListObjectsV2Output, error] {
	return func(yield func(*s3.ListObjectsV2Output, error) bool) {
		pages := s3.NewListObjectsV2Paginator(d.client, &s3.ListObjectsV2Input{
			Bucket: d.bucket(), Prefix: d.key(prefix), Delimiter: delimiter,
			// Without it, one key that XML can not express spoils the page.
			EncodingType: types.EncodingTypeUrl,
		}, func(o *s3.ListObjectsV2PaginatorOptions) { o.StopOnDuplicateToken = true })
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if err != nil {
				yield(nil, d.failed(ctx, "list", prefix, err))
				return
			}
			if !yield(page, nil) {
				return
			}
		}
	}
}

// listed is a key of a listing as it is within this store.
func (d *driver) listed(page *s3.ListObjectsV2Output, key *string) (string, error) {
	name := aws.ToString(key)
	if page.EncodingType == types.EncodingTypeUrl {
		decoded, err := url.QueryUnescape(name)
		if err != nil {
			return "", fault.New(fault.Internal, "store-failed", "The S3 server listed the ill-encoded key %q.", name).Because(err)
		}
		name = decoded
	}
	return strings.TrimPrefix(name, d.config.Prefix), nil
}

func (d *driver) List(ctx context.Context, prefix string) iter.Seq2[objectstore.Object, error] {
	return func(yield func(objectstore.Object, error) bool) {
		for page, err := range d.pages(ctx, prefix, nil) {
			if err != nil {
				yield(objectstore.Object{}, err)
				return
			}
			for _, c := range page.Contents {
				key, err := d.listed(page, c.Key)
				o := objectstore.Object{
					Key: key, Size: aws.ToInt64(c.Size), ETag: unquoted(c.ETag), ModTime: aws.ToTime(c.LastModified),
				}
				if !yield(o, err) || err != nil {
					return
				}
			}
		}
	}
}

func (d *driver) Folders(ctx context.Context, prefix string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		for page, err := range d.pages(ctx, prefix, aws.String("/")) {
			if err != nil {
				yield("", err)
				return
			}
			for _, c := range page.CommonPrefixes {
				folder, err := d.listed(page, c.Prefix)
				name := strings.TrimSuffix(strings.TrimPrefix(folder, prefix), "/")
				if !yield(name, err) || err != nil {
					return
				}
			}
		}
	}
}

// deleteBatch is S3's bound for one request.
const deleteBatch = 1000

func (d *driver) Delete(ctx context.Context, keys []string) error {
	if len(keys) == 1 {
		_, err := d.client.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: d.bucket(), Key: d.key(keys[0])})
		if isNoSuchKey(err) {
			return nil
		}
		return d.failed(ctx, "delete", keys[0], err)
	}
	for len(keys) > 0 {
		n := min(len(keys), deleteBatch)
		if err := d.deleteMany(ctx, keys[:n]); err != nil {
			return err
		}
		keys = keys[n:]
	}
	return nil
}

func (d *driver) deleteMany(ctx context.Context, keys []string) error {
	ids := make([]types.ObjectIdentifier, len(keys))
	for i, key := range keys {
		ids[i].Key = d.key(key)
	}
	out, err := d.client.DeleteObjects(ctx, &s3.DeleteObjectsInput{
		Bucket: d.bucket(), Delete: &types.Delete{Objects: ids, Quiet: aws.Bool(true)},
	})
	if err != nil {
		return d.failed(ctx, "delete", keys[0], err)
	}
	for _, e := range out.Errors {
		key := strings.TrimPrefix(aws.ToString(e.Key), d.config.Prefix)
		code := aws.ToString(e.Code)
		switch f := d.byAnswer("delete", key, 0, code); {
		case code == "NoSuchKey":
		case f != nil:
			return f
		case code == "AccessDenied":
			return d.byAnswer("delete", key, 403, "")
		case code == "InternalError":
			return unreachable("delete", key)
		default:
			return fault.New(fault.Internal, "store-failed", "S3 did not delete %q (%s).", key, code)
		}
	}
	return nil
}
