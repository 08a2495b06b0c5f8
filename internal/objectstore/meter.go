package objectstore

import (
	"context"
	"io"
	"iter"
	"sync/atomic"

	"github.com/pims-cloud/pims/source"
)

// Tally counts what was asked of stores. All of it may be used concurrently.
type Tally struct {
	Reads  atomic.Int64 // ranges, prefixes and whole objects that were asked for
	Bytes  atomic.Int64 // bytes that came back
	Stats  atomic.Int64 // questions for an object's identity
	Lists  atomic.Int64 // walks over keys or folders
	Writes atomic.Int64 // puts, copies and deletions
	Errors atomic.Int64 // operations that failed, whatever the reason
}

// TallyKey is what a context has its *Tally under, for contexts of one's own.
type TallyKey struct{}

// WithTally gives a context in which every metered store counts into the
// returned Tally: what one request or job cost.
func WithTally(ctx context.Context) (context.Context, *Tally) {
	t := new(Tally)
	return context.WithValue(ctx, TallyKey{}, t), t
}

// TallyOf is the context's Tally, nil when it has none.
func TallyOf(ctx context.Context) *Tally {
	t, _ := ctx.Value(TallyKey{}).(*Tally)
	return t
}

// Metered is a driver that counts; Totals holds what it counted since it was
// made.
type Metered struct {
	layer
	Totals Tally
}

// Meter counts what is asked of d, for all and for the context's Tally.
func Meter(d Driver) *Metered { return &Metered{layer: layer{d}} }

// count adds to the totals and to the context's tally.
func (m *Metered) count(ctx context.Context, add func(*Tally)) {
	add(&m.Totals)
	if t := TallyOf(ctx); t != nil {
		add(t)
	}
}

// failed counts err if it is one, and passes it on.
func (m *Metered) failed(ctx context.Context, err error) error {
	if err != nil && err != io.EOF {
		m.count(ctx, func(t *Tally) { t.Errors.Add(1) })
	}
	return err
}

func (m *Metered) read(ctx context.Context, reads int, bytes int64) {
	m.count(ctx, func(t *Tally) {
		t.Reads.Add(int64(reads))
		t.Bytes.Add(bytes)
	})
}

// ReadRanges implements Driver.
func (m *Metered) ReadRanges(ctx context.Context, key, etag string, ranges []source.Range) ([][]byte, error) {
	parts, err := m.Driver.ReadRanges(ctx, key, etag, ranges)
	var bytes int64
	for _, p := range parts {
		bytes += int64(len(p))
	}
	m.read(ctx, len(ranges), bytes)
	return parts, m.failed(ctx, err)
}

// ReadPrefix implements Driver.
func (m *Metered) ReadPrefix(ctx context.Context, key string, max int64) ([]byte, Object, error) {
	data, o, err := m.Driver.ReadPrefix(ctx, key, max)
	m.read(ctx, 1, int64(len(data)))
	return data, o, m.failed(ctx, err)
}

// Reader implements Driver; its bytes count as they are read.
func (m *Metered) Reader(ctx context.Context, key, etag string) (io.ReadCloser, error) {
	m.read(ctx, 1, 0)
	r, err := m.Driver.Reader(ctx, key, etag)
	if err != nil {
		return nil, m.failed(ctx, err)
	}
	return meteredReader{ReadCloser: r, ctx: ctx, m: m}, nil
}

// Stream implements Driver; its bytes count as they are read.
func (m *Metered) Stream(ctx context.Context, key, etag string, r source.Range) (io.ReadCloser, error) {
	m.read(ctx, 1, 0)
	body, err := m.Driver.Stream(ctx, key, etag, r)
	if err != nil {
		return nil, m.failed(ctx, err)
	}
	return meteredReader{ReadCloser: body, ctx: ctx, m: m}, nil
}

type meteredReader struct {
	io.ReadCloser
	ctx context.Context // whose tally the bytes go to
	m   *Metered
}

func (r meteredReader) Read(p []byte) (int, error) {
	n, err := r.ReadCloser.Read(p)
	r.m.read(r.ctx, 0, int64(n))
	return n, r.m.failed(r.ctx, err)
}

// Stat implements Driver.
func (m *Metered) Stat(ctx context.Context, key string) (Object, error) {
	o, err := m.Driver.Stat(ctx, key)
	m.count(ctx, func(t *Tally) { t.Stats.Add(1) })
	return o, m.failed(ctx, err)
}

func (m *Metered) wrote(ctx context.Context) {
	m.count(ctx, func(t *Tally) { t.Writes.Add(1) })
}

// Put implements Driver.
func (m *Metered) Put(ctx context.Context, key string, body io.Reader, size int64, options PutOptions) (Object, error) {
	o, err := m.Driver.Put(ctx, key, body, size, options)
	m.wrote(ctx)
	return o, m.failed(ctx, err)
}

// CopyFrom implements Copier.
func (m *Metered) CopyFrom(ctx context.Context, from Driver, o Object, key string, options PutOptions) (Object, bool, error) {
	copied, ok, err := m.layer.CopyFrom(ctx, from, o, key, options)
	if ok {
		m.wrote(ctx)
	}
	return copied, ok, m.failed(ctx, err)
}

// Delete implements Driver.
func (m *Metered) Delete(ctx context.Context, keys []string) error {
	m.wrote(ctx)
	return m.failed(ctx, m.Driver.Delete(ctx, keys))
}

// List implements Driver.
func (m *Metered) List(ctx context.Context, prefix string) iter.Seq2[Object, error] {
	return meteredWalk(ctx, m, m.Driver.List(ctx, prefix))
}

// Folders implements Driver.
func (m *Metered) Folders(ctx context.Context, prefix string) iter.Seq2[string, error] {
	return meteredWalk(ctx, m, m.Driver.Folders(ctx, prefix))
}

func meteredWalk[T any](ctx context.Context, m *Metered, walk iter.Seq2[T, error]) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		m.count(ctx, func(t *Tally) { t.Lists.Add(1) })
		for v, err := range walk {
			if !yield(v, m.failed(ctx, err)) {
				return
			}
		}
	}
}

// Totals is what the store's meter counted since it was opened; nil when the
// store has no meter.
func (s *Store) Totals() *Tally {
	for d := s.driver; ; {
		if m, ok := d.(*Metered); ok {
			return &m.Totals
		}
		w, ok := d.(interface{ Unwrap() Driver })
		if !ok {
			return nil
		}
		d = w.Unwrap()
	}
}
