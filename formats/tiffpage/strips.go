package tiffpage

import (
	"context"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/formats"
	"github.com/pims-cloud/pims/tiff"
)

const (
	// wholeStripBytes is up to which size an uncompressed strip is read whole.
	wholeStripBytes = 1 << 20
	// cutStripBytes is what the parts of a larger one weigh at most, if they
	// have more than one row.
	cutStripBytes = 256 << 10
)

// rowBytes is the length of a row of uncompressed, interleaved samples.
func rowBytes(l *tiff.Layout, encoding formats.Encoding) int64 {
	return (int64(l.Width)*int64(encoding.Samples)*int64(encoding.BitsPerSample) + 7) / 8
}

// cutRows is how many rows the parts of large uncompressed strips have, 0 when
// strips are read whole. Many writers put a whole plane into one strip; but the
// rows of uncompressed ones can be read one by one. Parts do not straddle strips.
func cutRows(l *tiff.Layout, encoding formats.Encoding) int {
	row := rowBytes(l, encoding)
	if encoding.Codec != formats.CodecNone || encoding.SubsamplingX > 1 || encoding.SubsamplingY > 1 || int64(l.TileHeight) <= wholeStripBytes/row {
		return 0
	}
	rows := int(max(1, cutStripBytes/row))
	for l.Down() > 1 && l.TileHeight%rows != 0 {
		rows--
	}
	return rows
}

// cut gives the extents of parts of uncompressed strips.
func (p *Pyramid) cut(ctx context.Context, page Page, level formats.Level, first, count int) ([]tiff.Extent, error) {
	l := page.Layout
	row := rowBytes(l, p.encodings[level.Encoding])
	firstStrip := first * level.TileHeight / l.TileHeight
	lastStrip := ((first+count)*level.TileHeight - 1) / l.TileHeight
	strips, err := page.IFD.Extents(ctx, firstStrip, min(lastStrip, l.Down()-1)-firstStrip+1)
	if err != nil {
		return nil, err
	}
	out := make([]tiff.Extent, count)
	for i := range out {
		y := (first + i) * level.TileHeight
		strip := y / l.TileHeight
		stored := strips[strip-firstStrip]
		if stored.Length == 0 {
			continue
		}
		_, rows := level.StoredSize(first + i)
		from := int64(y-strip*l.TileHeight) * row
		length := int64(rows) * row
		if from+length > stored.Length {
			return nil, fault.New(fault.Corrupt, "tiff-strip-short", "strip %d of the directory at byte %d has %d bytes; its rows need at least %d", strip, page.IFD.Offset, stored.Length, from+length)
		}
		out[i] = tiff.Extent{Offset: stored.Offset + from, Length: length}
	}
	return out, nil
}

// NewContiguous makes the stack of planes that lie behind each other,
// uncompressed, of which only the first has a directory: so ImageJ writes what
// is larger than 4 GiB, and some other programs everything. Kind Unsupported
// when the page is not of that kind, Corrupt when the file is too short.
func NewContiguous(ctx context.Context, source string, axes Axes, page Page) (*Pyramid, error) {
	if err := axes.Check(); err != nil {
		return nil, err
	}
	encoding, err := page.Encoding(ctx)
	if err != nil {
		return nil, err
	}
	l := page.Layout
	if l.Tiled || encoding.Codec != formats.CodecNone || encoding.SubsamplingX > 1 || encoding.SubsamplingY > 1 {
		return nil, unsupported("tiff-not-contiguous", "the planes of a stack without directories of their own must be uncompressed and in strips; found %s", l.Compression)
	}
	p := &Pyramid{source: source, axes: axes, pages: [][]Page{{page}}}
	p.addLevel(page, encoding)
	row := rowBytes(l, encoding)
	level := &p.levels[0]
	level.TileHeight = int(min(int64(l.Height), max(1, cutStripBytes/row)))
	p.strideBytes = row * int64(l.Height)
	start, err := p.start(ctx)
	if err != nil {
		return nil, err
	}
	if need := start + p.strideBytes*int64(axes.Planes()); need > page.IFD.File().Size() {
		return nil, fault.New(fault.Corrupt, "tiff-stack-truncated", "%d planes of %d bytes from byte %d on end at byte %d, but the file has only %d bytes",
			axes.Planes(), p.strideBytes, start, need, page.IFD.File().Size())
	}
	return p, nil
}

// start is where the first plane begins; its strips must follow each other.
func (p *Pyramid) start(ctx context.Context) (int64, error) {
	page := p.pages[0][0]
	const chunk = 4096
	start, next := int64(0), int64(0)
	for first := 0; first < page.Layout.Down(); first += chunk {
		strips, err := page.IFD.Extents(ctx, first, min(chunk, page.Layout.Down()-first))
		if err != nil {
			return 0, err
		}
		for i, s := range strips {
			if first+i == 0 {
				start, next = s.Offset, s.Offset
			}
			if s.Length == 0 || s.Offset != next {
				return 0, unsupported("tiff-not-contiguous", "strip %d of the first plane does not follow the one before it, so the place of the other planes is not known", first+i)
			}
			next += s.Length
		}
	}
	return start, nil
}

// contiguous gives the extents of tiles of a contiguous stack. The first
// strip's offset is all that is read.
func (p *Pyramid) contiguous(ctx context.Context, number, first, count int) ([]tiff.Extent, error) {
	page, level := p.pages[0][0], p.levels[0]
	base, err := page.IFD.Extents(ctx, 0, 1)
	if err != nil {
		return nil, err
	}
	row := rowBytes(page.Layout, p.Shown())
	at := base[0].Offset + int64(number)*p.strideBytes
	out := make([]tiff.Extent, count)
	for i := range out {
		_, rows := level.StoredSize(first + i)
		out[i] = tiff.Extent{Offset: at + int64(first+i)*int64(level.TileHeight)*row, Length: int64(rows) * row}
	}
	return out, nil
}
