package tiff

import (
	"context"
	"math/bits"

	"github.com/pims-cloud/pims/fault"
)

// Extent is where the bytes of a tile or strip are. Length 0 means blank: the
// file has no bytes for it.
type Extent struct{ Offset, Length int64 }

// Extents are those of count tiles or strips beginning with number first, in
// the order of the file: rows from the top, and with Planar 2 one plane after
// the other. Only the wanted part of the arrays is read. An extent that is not
// inside the file is an error of kind Corrupt, code "tiff-tile-beyond-end".
func (d *IFD) Extents(ctx context.Context, first, count int) ([]Extent, error) {
	offsetsTag, countsTag := d.segmentTags()
	offsets, err := d.UintsAt(ctx, offsetsTag, first, count)
	if err != nil {
		return nil, err
	}
	var lengths []uint64
	if d.Count(countsTag) == 0 {
		lengths, err = d.deriveLengths(ctx, count)
	} else {
		lengths, err = d.UintsAt(ctx, countsTag, first, count)
	}
	if err != nil {
		return nil, err
	}
	size := uint64(d.file.size)
	out := make([]Extent, count)
	for i := range out {
		offset, length := offsets[i], lengths[i]
		if length == 0 || offset == 0 {
			continue // blank
		}
		if offset > size || length > size-offset {
			return nil, fault.New(fault.Corrupt, "tiff-tile-beyond-end",
				"Tile or strip %d of the directory at byte %d has %d bytes at byte %d, but the file has only %d bytes.", first+i, d.Offset, length, offset, size)
		}
		out[i] = Extent{Offset: int64(offset), Length: int64(length)}
	}
	return out, nil
}

// deriveLengths computes the byte count that may be missing: the one of a
// single uncompressed segment.
func (d *IFD) deriveLengths(ctx context.Context, count int) ([]uint64, error) {
	l, err := d.Layout(ctx)
	if err != nil {
		return nil, err
	}
	if !d.countsDerivable(l) {
		return nil, d.contradiction("the byte counts of tiles or strips are missing")
	}
	bitsPerPixel := uint64(0)
	for _, b := range l.BitsPerSample {
		bitsPerPixel += uint64(b)
	}
	high, rowBits := bits.Mul64(uint64(l.TileWidth), bitsPerPixel)
	if high != 0 || rowBits > 1<<62 {
		return nil, d.contradiction("a row of %d pixels of %d bits is too long", l.TileWidth, bitsPerPixel)
	}
	high, total := bits.Mul64((rowBits+7)/8, uint64(l.TileHeight))
	if high != 0 {
		return nil, d.contradiction("%d × %d pixels of %d bits are too many", l.TileWidth, l.TileHeight, bitsPerPixel)
	}
	lengths := make([]uint64, count)
	for i := range lengths {
		lengths[i] = total
	}
	return lengths, nil
}
