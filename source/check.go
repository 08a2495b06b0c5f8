package source

import (
	"context"
	"io"
	"math"

	"github.com/pims-cloud/pims/fault"
)

// Check reports the first range that is negative, empty or reaches past size,
// as kind Invalid. Readers call it before they allocate anything.
func Check(size int64, ranges []Range) error {
	for i, r := range ranges {
		switch {
		case r.Offset < 0 || r.Length <= 0:
			return fault.New(fault.Invalid, "source-range-invalid",
				"Range %d asks for %d bytes at offset %d; both must be positive.", i, r.Length, r.Offset)
		case r.Offset > size || r.Length > size-r.Offset:
			return fault.New(fault.Invalid, "source-range-beyond-end",
				"Range %d asks for %d bytes at offset %d, but the source has only %d bytes.", i, r.Length, r.Offset, size)
		}
	}
	return nil
}

// ReadAt reads n bytes at offset off: ReadRanges for one range. n = 0 gives an
// empty slice without a read, provided that off lies within the source.
func ReadAt(ctx context.Context, r Reader, off, n int64) ([]byte, error) {
	if n == 0 && off >= 0 && off <= r.Size() {
		return []byte{}, nil
	}
	parts, err := r.ReadRanges(ctx, []Range{{Offset: off, Length: n}})
	if err != nil {
		return nil, err
	}
	return parts[0], nil
}

// ReaderAt makes r usable where the standard library wants an io.ReaderAt,
// with ctx for all its reads. It is safe for concurrent use. Every ReadAt is
// one read of r, so wrap r in Blocks when the user makes many small ones.
func ReaderAt(ctx context.Context, r Reader) io.ReaderAt {
	return readerAt{ctx: ctx, r: r}
}

// readerAt keeps a context because io.ReaderAt has no place for one; it lives
// as long as the call that made it.
type readerAt struct {
	ctx context.Context
	r   Reader
}

// ReadAt implements io.ReaderAt.
func (a readerAt) ReadAt(p []byte, off int64) (int, error) {
	if off < 0 {
		return 0, fault.New(fault.Invalid, "source-range-invalid", "The offset %d is negative.", off)
	}
	if len(p) == 0 {
		return 0, nil
	}
	left := a.r.Size() - off
	if left <= 0 {
		return 0, io.EOF
	}
	n := min(int64(len(p)), left)
	data, err := ReadAt(a.ctx, a.r, off, n)
	if err != nil {
		return 0, err
	}
	copy(p, data)
	if n < int64(len(p)) {
		return int(n), io.EOF
	}
	return int(n), nil
}

// Section is the part of r between off and off+n as a Reader of its own, with
// offsets from its start. Kind Invalid when r has no such part. Its version is
// that of r.
func Section(r Reader, off, n int64) (Reader, error) {
	if off < 0 || n < 0 || off > math.MaxInt64-n || off+n > r.Size() {
		return nil, fault.New(fault.Invalid, "source-range-beyond-end",
			"A section of %d bytes at offset %d does not lie within the source's %d bytes.", n, off, r.Size())
	}
	return section{r: r, off: off, size: n}, nil
}

type section struct {
	r         Reader
	off, size int64
}

func (s section) Size() int64     { return s.size }
func (s section) Version() string { return s.r.Version() }

func (s section) ReadRanges(ctx context.Context, ranges []Range) ([][]byte, error) {
	if err := Check(s.size, ranges); err != nil {
		return nil, err
	}
	moved := make([]Range, len(ranges))
	for i, r := range ranges {
		moved[i] = Range{Offset: r.Offset + s.off, Length: r.Length}
	}
	return s.r.ReadRanges(ctx, moved)
}
