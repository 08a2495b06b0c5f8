package s3

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"golang.org/x/sync/errgroup"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/internal/objectstore"
	"github.com/pims-cloud/pims/source"
)

func (d *driver) ReadRanges(ctx context.Context, key, etag string, ranges []source.Range) ([][]byte, error) {
	out := make([][]byte, len(ranges))
	// The first one is read alone only when it must say which version the
	// others have to be of.
	begun := 0
	pin := etag
	if len(ranges) == 1 || pin == "" {
		data, version, err := d.get(ctx, key, pin, ranges[0])
		if err != nil {
			return nil, err
		}
		out[0], pin, begun = data, version, 1
	}
	if begun == len(ranges) {
		return out, nil
	}
	err := d.getMany(ctx, key, pin, ranges[begun:], out[begun:])
	switch {
	case err == nil:
		return out, nil
	case etag == "" && fault.KindOf(err) == fault.Changed:
		return nil, fault.New(fault.Busy, "store-conflict", "%q was replaced while it was read; try again.", key).Because(err)
	case etag != "" && fault.KindOf(err) == fault.Busy:
		return out, err // what is there need not be read again
	}
	return nil, err
}

// getMany fills out side by side. One range's failure ends the others unless it
// is one that goes away: then they are finished, and only that one is missing.
func (d *driver) getMany(ctx context.Context, key, etag string, ranges []source.Range, out [][]byte) error {
	var busy atomic.Pointer[error]
	group, groupCtx := errgroup.WithContext(ctx)
	group.SetLimit(objectstore.BatchReads)
	for i, r := range ranges {
		group.Go(func() error {
			data, _, err := d.get(groupCtx, key, etag, r)
			if fault.KindOf(err) == fault.Busy && err != nil {
				busy.Store(&err)
				return nil
			}
			out[i] = data
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	if err := busy.Load(); err != nil {
		return *err
	}
	return nil
}

// leastBytesPerSecond is how slowly a range may come: a connection that stands
// still in the middle of an answer would otherwise hold a tile for ever.
const leastBytesPerSecond = 64 << 10

// get reads one range and tells of which version it is.
func (d *driver) get(ctx context.Context, key, etag string, r source.Range) (data []byte, version string, err error) {
	patience := d.config.AnswerTimeout + time.Duration(r.Length)*(time.Second/leastBytesPerSecond)
	bounded, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	a, err := d.ranged(bounded, key, etag, r)
	if err == nil {
		defer a.body.Close()
		data, err = d.readBody(bounded, key, a.body, r.Length)
	}
	if err != nil && bounded.Err() != nil && ctx.Err() == nil {
		err = unreachable("read", key).Because(err)
	}
	return data, a.etag, err
}

// readBody reads exactly n bytes of an answer that promised them.
func (d *driver) readBody(ctx context.Context, key string, body io.Reader, n int64) ([]byte, error) {
	data := make([]byte, n)
	if _, err := io.ReadFull(body, data); err != nil {
		return nil, d.cutOff(ctx, key, err)
	}
	return data, nil
}

// cutOff is the error of an answer that ended too early: always worth a retry,
// unless it was us who ended it.
func (d *driver) cutOff(ctx context.Context, key string, err error) error {
	if cause := ctx.Err(); cause != nil {
		return cause
	}
	return unreachable("read", key).Because(err)
}

// parseContentRange reads "bytes first-last/total".
func parseContentRange(s string) (first, total int64, ok bool) {
	s, ok = strings.CutPrefix(s, "bytes ")
	span, size, ok2 := strings.Cut(s, "/")
	start, _, ok3 := strings.Cut(span, "-")
	first, err1 := strconv.ParseInt(start, 10, 64)
	total, err2 := strconv.ParseInt(size, 10, 64)
	return first, total, ok && ok2 && ok3 && err1 == nil && err2 == nil
}

func (d *driver) ReadPrefix(ctx context.Context, key string, max int64) ([]byte, objectstore.Object, error) {
	out, err := d.client.GetObject(ctx, &s3.GetObjectInput{
		Bucket: d.bucket(), Key: d.key(key), Range: aws.String(fmt.Sprintf("bytes=0-%d", max-1)),
	})
	if isStatus(err, http.StatusRequestedRangeNotSatisfiable) {
		// An empty object has no first byte. The one case of a second request.
		o, err := d.Stat(ctx, key)
		return []byte{}, o, err
	}
	if err != nil {
		return nil, objectstore.Object{}, d.failed(ctx, "read", key, err)
	}
	defer out.Body.Close()
	size := aws.ToInt64(out.ContentLength)
	if _, total, ok := parseContentRange(aws.ToString(out.ContentRange)); ok {
		size = total
	}
	data, err := d.readBody(ctx, key, out.Body, min(max, size))
	if err != nil {
		return nil, objectstore.Object{}, err
	}
	return data, objectstore.Object{
		Key: key, Size: size, ETag: unquoted(out.ETag), ModTime: aws.ToTime(out.LastModified),
	}, nil
}

func (d *driver) Reader(ctx context.Context, key, etag string) (io.ReadCloser, error) {
	out, err := d.client.GetObject(ctx, &s3.GetObjectInput{
		Bucket: d.bucket(), Key: d.key(key), IfMatch: quoted(etag),
	})
	if err != nil {
		return nil, d.failed(ctx, "read", key, err)
	}
	if etag != "" && unquoted(out.ETag) != etag {
		out.Body.Close()
		return nil, objectstore.Changed(key)
	}
	return &stream{ReadCloser: out.Body, d: d, ctx: ctx, key: key, left: aws.ToInt64(out.ContentLength)}, nil
}

func (d *driver) Stream(ctx context.Context, key, etag string, r source.Range) (io.ReadCloser, error) {
	a, err := d.ranged(ctx, key, etag, r)
	if err != nil {
		return nil, err
	}
	return &stream{ReadCloser: a.body, d: d, ctx: ctx, key: key, left: r.Length}, nil
}

// stream is one answer's body; one answer is always of one version.
type stream struct {
	io.ReadCloser
	d    *driver
	ctx  context.Context // of the call that made it
	key  string
	left int64
}

func (s *stream) Read(p []byte) (int, error) {
	n, err := s.ReadCloser.Read(p)
	s.left -= int64(n)
	if err == nil || errors.Is(err, io.EOF) && s.left <= 0 {
		return n, err
	}
	return n, s.d.cutOff(s.ctx, s.key, err)
}

func (d *driver) Stat(ctx context.Context, key string) (objectstore.Object, error) {
	out, err := d.client.HeadObject(ctx, &s3.HeadObjectInput{Bucket: d.bucket(), Key: d.key(key)})
	if err != nil {
		return objectstore.Object{}, d.failed(ctx, "stat", key, err)
	}
	return objectstore.Object{
		Key: key, Size: aws.ToInt64(out.ContentLength), ETag: unquoted(out.ETag), ModTime: aws.ToTime(out.LastModified),
	}, nil
}
