package objectstore

import (
	"context"
	"io"

	"golang.org/x/sync/semaphore"

	"github.com/pims-cloud/pims/source"
)

// BatchReads is how many ranges of one batch a driver may read at the same time.
const BatchReads = 16

// Limit bounds how many reads are under way in d at once to n (at least 1), and
// how many writes, also to n. Waiting ends with the context.
//
// A batch weighs as many reads as it has ranges, up to BatchReads. Reads and
// writes do not wait for each other, since a write lasts as long as its body: a
// few slow uploads must not keep tiles from being read. For the same reason, and
// because it is often the body of a write that waits itself, a stream weighs one
// only until it is open. Walks do not count: the caller works on each object
// between two requests and may ask the store for more.
func Limit(d Driver, n int) Driver {
	n = max(n, 1)
	return &limited{
		layer:  layer{d},
		reads:  semaphore.NewWeighted(int64(n)),
		writes: semaphore.NewWeighted(int64(n)),
		n:      int64(n),
	}
}

type limited struct {
	layer
	reads, writes *semaphore.Weighted
	n             int64
}

// enterRead takes places for a number of reads and gives the function that
// puts them back.
func (l *limited) enterRead(ctx context.Context, reads int) (leave func(), err error) {
	return enter(ctx, l.reads, min(int64(reads), BatchReads, l.n))
}

func enter(ctx context.Context, places *semaphore.Weighted, n int64) (leave func(), err error) {
	if err := places.Acquire(ctx, n); err != nil {
		return nil, err
	}
	return func() { places.Release(n) }, nil
}

// ReadRanges implements Driver.
func (l *limited) ReadRanges(ctx context.Context, key, etag string, ranges []source.Range) ([][]byte, error) {
	leave, err := l.enterRead(ctx, len(ranges))
	if err != nil {
		return nil, err
	}
	defer leave()
	return l.Driver.ReadRanges(ctx, key, etag, ranges)
}

// ReadPrefix implements Driver.
func (l *limited) ReadPrefix(ctx context.Context, key string, max int64) ([]byte, Object, error) {
	leave, err := l.enterRead(ctx, 1)
	if err != nil {
		return nil, Object{}, err
	}
	defer leave()
	return l.Driver.ReadPrefix(ctx, key, max)
}

// Reader implements Driver.
func (l *limited) Reader(ctx context.Context, key, etag string) (io.ReadCloser, error) {
	leave, err := l.enterRead(ctx, 1)
	if err != nil {
		return nil, err
	}
	defer leave()
	return l.Driver.Reader(ctx, key, etag)
}

// Stream implements Driver.
func (l *limited) Stream(ctx context.Context, key, etag string, r source.Range) (io.ReadCloser, error) {
	leave, err := l.enterRead(ctx, 1)
	if err != nil {
		return nil, err
	}
	defer leave()
	return l.Driver.Stream(ctx, key, etag, r)
}

// Stat implements Driver.
func (l *limited) Stat(ctx context.Context, key string) (Object, error) {
	leave, err := l.enterRead(ctx, 1)
	if err != nil {
		return Object{}, err
	}
	defer leave()
	return l.Driver.Stat(ctx, key)
}

// Put implements Driver.
func (l *limited) Put(ctx context.Context, key string, body io.Reader, size int64, options PutOptions) (Object, error) {
	leave, err := enter(ctx, l.writes, 1)
	if err != nil {
		return Object{}, err
	}
	defer leave()
	return l.Driver.Put(ctx, key, body, size, options)
}

// CopyFrom implements Copier.
func (l *limited) CopyFrom(ctx context.Context, from Driver, o Object, key string, options PutOptions) (Object, bool, error) {
	leave, err := enter(ctx, l.writes, 1)
	if err != nil {
		return Object{}, false, err
	}
	defer leave()
	return l.layer.CopyFrom(ctx, from, o, key, options)
}

// Delete implements Driver.
func (l *limited) Delete(ctx context.Context, keys []string) error {
	leave, err := enter(ctx, l.writes, 1)
	if err != nil {
		return err
	}
	defer leave()
	return l.Driver.Delete(ctx, keys)
}
