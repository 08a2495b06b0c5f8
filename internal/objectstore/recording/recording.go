// Package recording is a decorator that writes down every request, so that
// tests can assert exactly what an operation reads, and no more.
package recording

import (
	"context"
	"io"
	"iter"
	"slices"
	"sync"

	"github.com/pims-cloud/pims/internal/objectstore"
	"github.com/pims-cloud/pims/source"
)

// WholeObject is the Length of a Read that streams an object to its end.
const WholeObject = -1

// Read is one range that was read. A prefix is a Read at offset 0 of as many
// bytes as were asked for, whether the object has them or not.
type Read struct {
	Key    string
	Offset int64
	Length int64
}

// Calls counts the requests that are no reads.
type Calls struct {
	Stats, Puts, Copies, Deletes, Lists int
}

// Driver records what passes through it. It is safe for concurrent use.
type Driver struct {
	objectstore.Driver

	mu    sync.Mutex // guards reads and calls
	reads []Read
	calls Calls
}

// Wrap records all requests to d. Put it directly around a real driver, below
// the other decorators, to see what really goes to the store.
func Wrap(d objectstore.Driver) *Driver { return &Driver{Driver: d} }

// Reads lists the reads since the last Reset in the order in which they came;
// ranges of one batch stand in the order of the batch.
func (d *Driver) Reads() []Read {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.reads)
}

// Calls counts the other requests since the last Reset.
func (d *Driver) Calls() Calls {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.calls
}

// Reset forgets everything recorded.
func (d *Driver) Reset() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.reads, d.calls = nil, Calls{}
}

func (d *Driver) record(reads ...Read) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.reads = append(d.reads, reads...)
}

func (d *Driver) call(count func(*Calls)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	count(&d.calls)
}

// Unwrap gives the driver below.
func (d *Driver) Unwrap() objectstore.Driver { return d.Driver }

// ReadRanges implements objectstore.Driver.
func (d *Driver) ReadRanges(ctx context.Context, key, etag string, ranges []source.Range) ([][]byte, error) {
	reads := make([]Read, len(ranges))
	for i, r := range ranges {
		reads[i] = Read{Key: key, Offset: r.Offset, Length: r.Length}
	}
	d.record(reads...)
	return d.Driver.ReadRanges(ctx, key, etag, ranges)
}

// ReadPrefix implements objectstore.Driver.
func (d *Driver) ReadPrefix(ctx context.Context, key string, max int64) ([]byte, objectstore.Object, error) {
	d.record(Read{Key: key, Length: max})
	return d.Driver.ReadPrefix(ctx, key, max)
}

// Reader implements objectstore.Driver.
func (d *Driver) Reader(ctx context.Context, key, etag string) (io.ReadCloser, error) {
	d.record(Read{Key: key, Length: WholeObject})
	return d.Driver.Reader(ctx, key, etag)
}

// Stream implements objectstore.Driver.
func (d *Driver) Stream(ctx context.Context, key, etag string, r source.Range) (io.ReadCloser, error) {
	d.record(Read{Key: key, Offset: r.Offset, Length: r.Length})
	return d.Driver.Stream(ctx, key, etag, r)
}

// Stat implements objectstore.Driver.
func (d *Driver) Stat(ctx context.Context, key string) (objectstore.Object, error) {
	d.call(func(c *Calls) { c.Stats++ })
	return d.Driver.Stat(ctx, key)
}

// Put implements objectstore.Driver.
func (d *Driver) Put(ctx context.Context, key string, body io.Reader, size int64, options objectstore.PutOptions) (objectstore.Object, error) {
	d.call(func(c *Calls) { c.Puts++ })
	return d.Driver.Put(ctx, key, body, size, options)
}

// CopyFrom implements objectstore.Copier.
func (d *Driver) CopyFrom(ctx context.Context, from objectstore.Driver, o objectstore.Object, key string, options objectstore.PutOptions) (objectstore.Object, bool, error) {
	c, ok := d.Driver.(objectstore.Copier)
	if !ok {
		return objectstore.Object{}, false, nil
	}
	d.call(func(c *Calls) { c.Copies++ })
	return c.CopyFrom(ctx, from, o, key, options)
}

// Delete implements objectstore.Driver.
func (d *Driver) Delete(ctx context.Context, keys []string) error {
	d.call(func(c *Calls) { c.Deletes++ })
	return d.Driver.Delete(ctx, keys)
}

// List implements objectstore.Driver.
func (d *Driver) List(ctx context.Context, prefix string) iter.Seq2[objectstore.Object, error] {
	d.call(func(c *Calls) { c.Lists++ })
	return d.Driver.List(ctx, prefix)
}

// Folders implements objectstore.Driver.
func (d *Driver) Folders(ctx context.Context, prefix string) iter.Seq2[string, error] {
	d.call(func(c *Calls) { c.Lists++ })
	return d.Driver.Folders(ctx, prefix)
}
