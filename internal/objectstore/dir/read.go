package dir

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/internal/objectstore"
	"github.com/pims-cloud/pims/source"
)

// open gives the file of key if it has the ETag ("" matches every one), and
// which version it is.
func (d *driver) open(ctx context.Context, key, etag string) (*os.File, objectstore.Object, error) {
	if err := ctx.Err(); err != nil {
		return nil, objectstore.Object{}, err
	}
	// Without O_NONBLOCK a named pipe would hold us until somebody writes.
	f, err := d.root().OpenFile(filepath.FromSlash(key), os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, objectstore.Object{}, readFault(key, err)
	}
	info, err := f.Stat()
	switch {
	case err != nil:
		err = readFault(key, err)
	case !info.Mode().IsRegular():
		err = objectstore.NotFound(key)
	case etag != "" && source.FileVersion(info) != etag:
		err = objectstore.Changed(key)
	}
	if err != nil {
		f.Close()
		return nil, objectstore.Object{}, err
	}
	return f, objectOf(key, info), nil
}

// unchanged reports kind Changed when the open file was rewritten since.
func unchanged(f *os.File, o objectstore.Object) error {
	info, err := f.Stat()
	if err != nil {
		return readFault(o.Key, err)
	}
	if source.FileVersion(info) != o.ETag {
		return objectstore.Changed(o.Key)
	}
	return nil
}

func (d *driver) ReadRanges(ctx context.Context, key, etag string, ranges []source.Range) ([][]byte, error) {
	if out, ok := d.readHeld(ctx, key, etag, ranges); ok {
		return out, nil
	}
	f, o, err := d.open(ctx, key, etag)
	if err != nil {
		return nil, err
	}
	info, out, err := d.readOpened(ctx, f, o, ranges)
	if err != nil || etag == "" {
		f.Close()
		return out, err
	}
	d.files.keep(f, info, o)
	return out, nil
}

// readOpened reads parts of a file that was just opened, and compares its
// version afterwards.
func (d *driver) readOpened(ctx context.Context, f *os.File, o objectstore.Object, ranges []source.Range) (fs.FileInfo, [][]byte, error) {
	out, err := readParts(ctx, f, o, ranges)
	if err != nil {
		return nil, nil, err
	}
	info, err := f.Stat()
	if err != nil {
		return nil, nil, readFault(o.Key, err)
	}
	if source.FileVersion(info) != o.ETag {
		return nil, nil, objectstore.Changed(o.Key)
	}
	return info, out, nil
}

func readParts(ctx context.Context, f *os.File, o objectstore.Object, ranges []source.Range) ([][]byte, error) {
	out := make([][]byte, len(ranges))
	for i, r := range ranges {
		if r.End() > o.Size {
			return nil, objectstore.BeyondEnd(o.Key, r, o.Size)
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		out[i] = make([]byte, r.Length)
		if _, err := f.ReadAt(out[i], r.Offset); err != nil {
			if errors.Is(err, io.EOF) {
				return nil, objectstore.Changed(o.Key).Because(err)
			}
			return nil, readFault(o.Key, err)
		}
	}
	return out, nil
}

func (d *driver) ReadPrefix(ctx context.Context, key string, max int64) ([]byte, objectstore.Object, error) {
	f, o, err := d.open(ctx, key, "")
	if err != nil {
		return nil, objectstore.Object{}, err
	}
	defer f.Close()
	data := make([]byte, min(max, o.Size))
	_, err = io.ReadFull(f, data)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, objectstore.Object{}, readFault(key, err)
	}
	if err != nil || unchanged(f, o) != nil {
		return nil, objectstore.Object{}, fault.New(fault.Busy, "store-conflict",
			"%q was rewritten while it was read; try again.", key)
	}
	return data, o, nil
}

func (d *driver) Reader(ctx context.Context, key, etag string) (io.ReadCloser, error) {
	f, o, err := d.open(ctx, key, etag)
	if err != nil {
		return nil, err
	}
	return &stream{ctx: ctx, f: f, object: o}, nil
}

// stream reads a whole file and vouches, at its end, that it was one version.
type stream struct {
	ctx    context.Context // of the call that made it
	f      *os.File
	object objectstore.Object
	read   int64
}

func (s *stream) Read(p []byte) (int, error) {
	if err := s.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := s.f.Read(p)
	s.read += int64(n)
	if err == nil {
		return n, nil
	}
	if !errors.Is(err, io.EOF) {
		return n, readFault(s.object.Key, err)
	}
	if s.read != s.object.Size {
		return n, objectstore.Changed(s.object.Key)
	}
	if err := unchanged(s.f, s.object); err != nil {
		return n, err
	}
	return n, io.EOF
}

func (d *driver) Stream(ctx context.Context, key, etag string, r source.Range) (io.ReadCloser, error) {
	f, o, err := d.open(ctx, key, etag)
	if err != nil {
		return nil, err
	}
	if r.End() > o.Size {
		f.Close()
		return nil, objectstore.BeyondEnd(key, r, o.Size)
	}
	return &partStream{ctx: ctx, f: f, object: o, part: io.NewSectionReader(f, r.Offset, r.Length)}, nil
}

// partStream reads a part of a file and vouches for every byte that it gives:
// whoever uses the first before the last are there sees no second version.
type partStream struct {
	ctx    context.Context // of the call that made it
	f      *os.File
	object objectstore.Object
	part   *io.SectionReader
}

func (s *partStream) Read(p []byte) (int, error) {
	if err := s.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := s.part.Read(p)
	if changed := unchanged(s.f, s.object); changed != nil {
		return 0, changed
	}
	if err != nil && !errors.Is(err, io.EOF) {
		return n, readFault(s.object.Key, err)
	}
	return n, err
}

// Close implements io.Closer.
func (s *partStream) Close() error { return s.f.Close() }

// Close implements io.Closer.
func (s *stream) Close() error { return s.f.Close() }

func (d *driver) Stat(ctx context.Context, key string) (objectstore.Object, error) {
	if err := ctx.Err(); err != nil {
		return objectstore.Object{}, err
	}
	info, err := d.root().Stat(filepath.FromSlash(key))
	if err != nil {
		return objectstore.Object{}, readFault(key, err)
	}
	if !info.Mode().IsRegular() {
		return objectstore.Object{}, objectstore.NotFound(key)
	}
	return objectOf(key, info), nil
}
