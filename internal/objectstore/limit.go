package objectstore

import (
	"context"
	"io"
	"iter"
	"sync"

	"golang.org/x/sync/semaphore"

	"github.com/pims-cloud/pims/source"
)

// BatchReads is how many ranges of one batch a driver may read at the same time.
const BatchReads = 16

// Limit bounds how many requests are under way in d at once to n (at least 1).
// A batch weighs as many as its ranges, up to BatchReads; a stream weighs one
// until it is closed. Waiting ends with the context.
//
// A walk over keys does not hold a place, because the caller works on each
// object between two requests and may ask the store for more.
func Limit(d Driver, n int) Driver {
	n = max(n, 1)
	return &limited{layer: layer{d}, free: semaphore.NewWeighted(int64(n)), n: int64(n)}
}

type limited struct {
	layer
	free *semaphore.Weighted
	n    int64
}

// enter takes weight places and gives the function that puts them back.
func (l *limited) enter(ctx context.Context, weight int) (leave func(), err error) {
	w := min(int64(max(weight, 1)), BatchReads, l.n)
	if err := l.free.Acquire(ctx, w); err != nil {
		return nil, err
	}
	return func() { l.free.Release(w) }, nil
}

// ReadRanges implements Driver.
func (l *limited) ReadRanges(ctx context.Context, key, etag string, ranges []source.Range) ([][]byte, error) {
	leave, err := l.enter(ctx, len(ranges))
	if err != nil {
		return nil, err
	}
	defer leave()
	return l.Driver.ReadRanges(ctx, key, etag, ranges)
}

// ReadPrefix implements Driver.
func (l *limited) ReadPrefix(ctx context.Context, key string, max int64) ([]byte, Object, error) {
	leave, err := l.enter(ctx, 1)
	if err != nil {
		return nil, Object{}, err
	}
	defer leave()
	return l.Driver.ReadPrefix(ctx, key, max)
}

// Reader implements Driver.
func (l *limited) Reader(ctx context.Context, key, etag string) (io.ReadCloser, error) {
	leave, err := l.enter(ctx, 1)
	if err != nil {
		return nil, err
	}
	r, err := l.Driver.Reader(ctx, key, etag)
	if err != nil {
		leave()
		return nil, err
	}
	return &limitedReader{ReadCloser: r, leave: sync.OnceFunc(leave)}, nil
}

type limitedReader struct {
	io.ReadCloser
	leave func()
}

func (r *limitedReader) Close() error {
	defer r.leave()
	return r.ReadCloser.Close()
}

// Stat implements Driver.
func (l *limited) Stat(ctx context.Context, key string) (Object, error) {
	leave, err := l.enter(ctx, 1)
	if err != nil {
		return Object{}, err
	}
	defer leave()
	return l.Driver.Stat(ctx, key)
}

// Put implements Driver.
//
// A body may itself be a stream out of a limited store, whose place is taken
// already; with a limit of one on both they must be two stores.
func (l *limited) Put(ctx context.Context, key string, body io.Reader, size int64, options PutOptions) (Object, error) {
	leave, err := l.enter(ctx, 1)
	if err != nil {
		return Object{}, err
	}
	defer leave()
	return l.Driver.Put(ctx, key, body, size, options)
}

// CopyFrom implements Copier.
func (l *limited) CopyFrom(ctx context.Context, from Driver, o Object, key string, options PutOptions) (Object, bool, error) {
	leave, err := l.enter(ctx, 1)
	if err != nil {
		return Object{}, false, err
	}
	defer leave()
	return l.layer.CopyFrom(ctx, from, o, key, options)
}

// Delete implements Driver.
func (l *limited) Delete(ctx context.Context, keys []string) error {
	leave, err := l.enter(ctx, 1)
	if err != nil {
		return err
	}
	defer leave()
	return l.Driver.Delete(ctx, keys)
}

// List implements Driver.
func (l *limited) List(ctx context.Context, prefix string) iter.Seq2[Object, error] {
	return l.Driver.List(ctx, prefix)
}
