package s3

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"io"
	"slices"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"golang.org/x/sync/errgroup"

	"github.com/pims-cloud/pims/internal/objectstore"
)

// parallelParts is how many parts of one upload are under way at once.
const parallelParts = 4

// upload is one multipart upload.
type upload struct {
	d       *driver
	key     string
	id      *string
	options objectstore.PutOptions

	mu    sync.Mutex // guards parts
	parts []types.CompletedPart
}

func (u *upload) add(p types.CompletedPart) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.parts = append(u.parts, p)
}

// sorted gives the parts in the order that S3 wants.
func (u *upload) sorted() []types.CompletedPart {
	slices.SortFunc(u.parts, func(a, b types.CompletedPart) int {
		return cmp.Compare(*a.PartNumber, *b.PartNumber)
	})
	return u.parts
}

// partRetries lets the SDK try a part again; see the package comment.
func partRetries(o *s3.Options) { o.Retryer = retry.NewStandard() }

// inParallel lets produce start parts, of which parallelParts run at once: start
// blocks until there is room. It returns the first error once all have ended.
func (u *upload) inParallel(ctx context.Context, produce func(start func(part func(context.Context) error)) error) error {
	group, groupCtx := errgroup.WithContext(ctx)
	group.SetLimit(parallelParts)
	err := produce(func(part func(context.Context) error) {
		group.Go(func() error {
			if err := groupCtx.Err(); err != nil {
				return err // another part failed: no need to begin
			}
			return part(groupCtx)
		})
	})
	if waited := group.Wait(); waited != nil {
		return waited
	}
	return err
}

// putParts uploads first, which holds one byte more than part 1, and the rest
// of body.
func (d *driver) putParts(ctx context.Context, key string, first []byte, body io.Reader, size partSizes, options objectstore.PutOptions) (objectstore.Object, error) {
	u, err := d.begin(ctx, key, true, options)
	if err != nil {
		return objectstore.Object{}, err
	}
	var total int64
	failed := make(chan struct{})
	fail := sync.OnceFunc(func() { close(failed) })
	err = u.inParallel(ctx, func(start func(func(context.Context) error)) error {
		data := first
		for n := int32(1); ; n++ {
			partBytes := min(size.of(n), int64(len(data)))
			part := data[:partBytes:partBytes]
			// The byte that told of the next part begins it.
			rest := slices.Clone(data[partBytes:])
			total += partBytes
			start(func(ctx context.Context) error {
				err := u.putPart(ctx, n, part)
				if err != nil {
					fail()
				}
				return err
			})
			if len(rest) == 0 {
				return nil
			}
			select {
			case <-failed:
				return nil // the part's own error counts
			default:
			}
			next := size.of(n + 1)
			data = append(make([]byte, 0, next+1), rest...)
			var err error
			if data, err = readUpTo(body, data, next); err != nil && !errors.Is(err, io.EOF) {
				return err
			}
		}
	})
	if err == nil {
		var o objectstore.Object
		if o, err = u.complete(ctx, total); err == nil {
			return o, nil
		}
	}
	u.abort(ctx)
	return objectstore.Object{}, err
}

func (u *upload) putPart(ctx context.Context, n int32, data []byte) error {
	out, err := u.d.client.UploadPart(ctx, &s3.UploadPartInput{
		Bucket: u.d.bucket(), Key: u.d.key(u.key), UploadId: u.id, PartNumber: &n,
		Body: bytes.NewReader(data), ContentLength: aws.Int64(int64(len(data))),
		ChecksumAlgorithm: types.ChecksumAlgorithmCrc32,
	}, partRetries)
	if err != nil {
		return u.d.failed(ctx, "write", u.key, err)
	}
	u.add(types.CompletedPart{PartNumber: &n, ETag: out.ETag, ChecksumCRC32: out.ChecksumCRC32})
	return nil
}
