// Package memory is an object store in this process's memory, for tests and
// for trying things out. It forgets everything when the process ends.
package memory

import (
	"bytes"
	"context"
	"fmt"
	"hash/crc32"
	"io"
	"iter"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/pims-cloud/pims/internal/objectstore"
	"github.com/pims-cloud/pims/source"
)

// New makes an empty store.
func New() objectstore.Driver {
	return &driver{objects: make(map[string]object)}
}

type driver struct {
	mu      sync.RWMutex // guards the rest
	objects map[string]object
	writes  uint64 // counts up; part of the next object's ETag
}

type object struct {
	data []byte // never changed once stored
	is   objectstore.Object
}

// URL is always "memory:".
func (d *driver) URL() string { return "memory:" }

// find gives the object of a key if it has the ETag, "" matching every one.
func (d *driver) find(ctx context.Context, key, etag string) (object, error) {
	if err := ctx.Err(); err != nil {
		return object{}, err
	}
	d.mu.RLock()
	defer d.mu.RUnlock()
	o, ok := d.objects[key]
	switch {
	case !ok:
		return object{}, objectstore.NotFound(key)
	case etag != "" && etag != o.is.ETag:
		return object{}, objectstore.Changed(key)
	}
	return o, nil
}

func (d *driver) ReadRanges(ctx context.Context, key, etag string, ranges []source.Range) ([][]byte, error) {
	o, err := d.find(ctx, key, etag)
	if err != nil {
		return nil, err
	}
	out := make([][]byte, len(ranges))
	for i, r := range ranges {
		if r.End() > o.is.Size {
			return nil, objectstore.BeyondEnd(key, r, o.is.Size)
		}
		out[i] = bytes.Clone(o.data[r.Offset:r.End()])
	}
	return out, nil
}

func (d *driver) ReadPrefix(ctx context.Context, key string, max int64) ([]byte, objectstore.Object, error) {
	o, err := d.find(ctx, key, "")
	if err != nil {
		return nil, objectstore.Object{}, err
	}
	return bytes.Clone(o.data[:min(max, o.is.Size)]), o.is, nil
}

func (d *driver) Reader(ctx context.Context, key, etag string) (io.ReadCloser, error) {
	o, err := d.find(ctx, key, etag)
	if err != nil {
		return nil, err
	}
	return io.NopCloser(&cancellable{ctx: ctx, r: bytes.NewReader(o.data)}), nil
}

func (d *driver) Stream(ctx context.Context, key, etag string, r source.Range) (io.ReadCloser, error) {
	o, err := d.find(ctx, key, etag)
	if err != nil {
		return nil, err
	}
	if r.End() > o.is.Size {
		return nil, objectstore.BeyondEnd(key, r, o.is.Size)
	}
	return io.NopCloser(&cancellable{ctx: ctx, r: bytes.NewReader(o.data[r.Offset:r.End()])}), nil
}

// cancellable ends a stream when its context does.
type cancellable struct {
	ctx context.Context
	r   io.Reader
}

func (c *cancellable) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(p)
}

func (d *driver) Stat(ctx context.Context, key string) (objectstore.Object, error) {
	o, err := d.find(ctx, key, "")
	return o.is, err
}

func (d *driver) Put(ctx context.Context, key string, body io.Reader, _ int64, options objectstore.PutOptions) (objectstore.Object, error) {
	data, err := io.ReadAll(&cancellable{ctx: ctx, r: body})
	if err != nil {
		return objectstore.Object{}, err
	}
	return d.store(key, data, options)
}

func (d *driver) store(key string, data []byte, options objectstore.PutOptions) (objectstore.Object, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	old, exists := d.objects[key]
	if options.OnlyIfAbsent && exists || options.OnlyIfETag != "" && options.OnlyIfETag != old.is.ETag {
		return objectstore.Object{}, objectstore.Changed(key)
	}
	d.writes++
	is := objectstore.Object{
		Key: key, Size: int64(len(data)), ModTime: time.Now().UTC(),
		// The number tells the writes of this store apart, the sum two stores.
		ETag: fmt.Sprintf("%d-%08x", d.writes, crc32.ChecksumIEEE(data)),
	}
	d.objects[key] = object{data: data, is: is}
	return is, nil
}

// CopyFrom shares the bytes, which never change.
func (d *driver) CopyFrom(ctx context.Context, from objectstore.Driver, o objectstore.Object, key string, options objectstore.PutOptions) (objectstore.Object, bool, error) {
	other, ok := from.(*driver)
	if !ok {
		return objectstore.Object{}, false, nil
	}
	source, err := other.find(ctx, o.Key, o.ETag)
	if err != nil {
		return objectstore.Object{}, false, err
	}
	copied, err := d.store(key, source.data, options)
	return copied, true, err
}

func (d *driver) Delete(ctx context.Context, keys []string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, key := range keys {
		delete(d.objects, key)
	}
	return nil
}

// below gives the identities of all objects below prefix, in key order.
func (d *driver) below(prefix string) []objectstore.Object {
	d.mu.RLock()
	defer d.mu.RUnlock()
	var found []objectstore.Object
	for key, o := range d.objects {
		if strings.HasPrefix(key, prefix) {
			found = append(found, o.is)
		}
	}
	slices.SortFunc(found, func(a, b objectstore.Object) int { return strings.Compare(a.Key, b.Key) })
	return found
}

func (d *driver) List(ctx context.Context, prefix string) iter.Seq2[objectstore.Object, error] {
	return func(yield func(objectstore.Object, error) bool) {
		for _, o := range d.below(prefix) {
			if err := ctx.Err(); err != nil {
				yield(objectstore.Object{}, err)
				return
			}
			if !yield(o, nil) {
				return
			}
		}
		if err := ctx.Err(); err != nil {
			yield(objectstore.Object{}, err)
		}
	}
}

func (d *driver) Folders(ctx context.Context, prefix string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		last := ""
		for o, err := range d.List(ctx, prefix) {
			if err != nil {
				yield("", err)
				return
			}
			name, _, isFolder := strings.Cut(o.Key[len(prefix):], "/")
			if !isFolder || name == last {
				continue
			}
			last = name
			if !yield(name, nil) {
				return
			}
		}
	}
}
