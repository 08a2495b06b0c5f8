package tiffpage

import (
	"bytes"
	"context"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/formats"
	"github.com/pims-cloud/pims/tiff"
)

// Pyramid is the levels of one slide whose tiles or strips lie in one TIFF
// file, each readable by itself. It is what makes a format a
// formats.TileLocator. It is immutable.
type Pyramid struct {
	source    string
	pages     [][]Page // by level, then by plane number; no IFD means a blank plane
	levels    []formats.Level
	encodings []formats.Encoding
	axes      Axes
	// strideBytes is the distance of planes that lie behind each other although
	// only the first has a directory; 0 when every plane has its own.
	strideBytes int64
}

// NewPyramid makes a pyramid of tiled pages given by level (from the finest)
// and focal plane; source is the name of the file in its bundle. Where the
// planes of a level are not all encoded alike, or not all levels have the same
// number of them, only the first plane of every level is kept. Kind
// Unsupported when the tiles cannot be served in place.
func NewPyramid(ctx context.Context, source string, levels [][]Page) (*Pyramid, error) {
	p := &Pyramid{source: source, pages: make([][]Page, len(levels))}
	planes := len(levels[0])
	for i, pages := range levels {
		if !pages[0].Layout.Tiled {
			return nil, unsupported("tiff-not-tiled", "level %d is stored in strips, not in tiles", i)
		}
		encoding, same, err := commonEncoding(ctx, pages)
		if err != nil {
			return nil, err
		}
		if !same || len(pages) != planes {
			planes = 1
		}
		p.pages[i] = pages
		p.addLevel(pages[0], encoding)
	}
	for i := range p.pages {
		p.pages[i] = p.pages[i][:planes]
	}
	p.axes = Axes{Channels: 1, Depth: planes, Duration: 1}
	return p, nil
}

// NewStack makes a pyramid, mostly of one level, of pages given by level and
// plane number; a page without IFD is a plane that the file does not have, it
// is blank. Pages may be in strips. Kind Unsupported when the planes of a level
// are not alike, or cannot be served in place.
func NewStack(ctx context.Context, source string, axes Axes, levels [][]Page) (*Pyramid, error) {
	if err := axes.Check(); err != nil {
		return nil, err
	}
	p := &Pyramid{source: source, axes: axes, pages: levels}
	for i, pages := range levels {
		there := present(pages)
		if len(pages) != axes.Planes() || len(there) == 0 {
			return nil, fault.New(fault.Corrupt, "tiff-planes", "level %d has %d of %d planes", i, len(there), axes.Planes())
		}
		encoding, same, err := commonEncoding(ctx, there)
		if err != nil {
			return nil, err
		}
		if !same {
			return nil, unsupported("tiff-planes-differ", "the %d planes of level %d are not all stored in the same way", len(there), i)
		}
		p.addLevel(there[0], encoding)
	}
	return p, nil
}

// present are the pages that the file has.
func present(pages []Page) []Page {
	var out []Page
	for _, page := range pages {
		if page.IFD != nil {
			out = append(out, page)
		}
	}
	return out
}

// addLevel appends the level that a page shows.
func (p *Pyramid) addLevel(page Page, encoding formats.Encoding) {
	l := page.Layout
	level := formats.Level{
		Width: l.Width, Height: l.Height, TileWidth: l.TileWidth, TileHeight: l.TileHeight,
		Encoding: p.encodingNumber(encoding), Strips: !l.Tiled,
	}
	if rows := cutRows(l, encoding); level.Strips && rows > 0 {
		level.TileHeight = rows
	}
	p.levels = append(p.levels, level)
}

// commonEncoding is the encoding of the first page, and whether all pages have
// that one and the same size of tiles.
func commonEncoding(ctx context.Context, pages []Page) (formats.Encoding, bool, error) {
	first, err := pages[0].Encoding(ctx)
	if err != nil {
		return formats.Encoding{}, false, err
	}
	for _, page := range pages[1:] {
		other, err := page.Encoding(ctx)
		if err != nil && !formats.Structural(err) {
			return formats.Encoding{}, false, err
		}
		a, b := pages[0].Layout, page.Layout
		if err != nil || !sameEncoding(first, other) || a.TileWidth != b.TileWidth || a.TileHeight != b.TileHeight || a.Tiled != b.Tiled ||
			a.Width != b.Width || a.Height != b.Height {
			return first, false, nil
		}
	}
	return first, true, nil
}

// encodingNumber is the position of an encoding among the distinct ones.
func (p *Pyramid) encodingNumber(encoding formats.Encoding) int {
	for i, known := range p.encodings {
		if sameEncoding(known, encoding) {
			return i
		}
	}
	p.encodings = append(p.encodings, encoding)
	return len(p.encodings) - 1
}

func sameEncoding(a, b formats.Encoding) bool {
	return a.Codec == b.Codec && a.Photometric == b.Photometric && a.Samples == b.Samples && a.Alpha == b.Alpha &&
		a.PixelType == b.PixelType && a.BitsPerSample == b.BitsPerSample && a.BigEndian == b.BigEndian && a.Predictor == b.Predictor &&
		a.SubsamplingX == b.SubsamplingX && a.SubsamplingY == b.SubsamplingY &&
		bytes.Equal(a.JPEGTables, b.JPEGTables) && bytes.Equal(a.Palette, b.Palette)
}

// Levels are those of the description. The slice belongs to the caller.
func (p *Pyramid) Levels() []formats.Level { return append([]formats.Level(nil), p.levels...) }

// Base is the first page of level 0.
func (p *Pyramid) Base() Page { return present(p.pages[0])[0] }

// Planes is the number of planes of every level, at least 1.
func (p *Pyramid) Planes() int { return p.axes.Planes() }

// Axes is how the planes are counted.
func (p *Pyramid) Axes() Axes { return p.axes }

// Shown is the encoding of level 0.
func (p *Pyramid) Shown() formats.Encoding { return p.encodings[p.levels[0].Encoding] }

// Sources is the name of the one file.
func (p *Pyramid) Sources() []string { return []string{p.source} }

// Encodings lists the distinct ways in which tiles are encoded.
func (p *Pyramid) Encodings() []formats.Encoding {
	return append([]formats.Encoding(nil), p.encodings...)
}

// Locate is formats.TileLocator's. Only the wanted part of the offset arrays
// is read. A tile of no bytes is blank; one that does not lie in the file is an
// error of kind Corrupt.
func (p *Pyramid) Locate(ctx context.Context, level int, plane formats.Plane, first, count int) ([]formats.Extent, error) {
	if level < 0 || level >= len(p.levels) {
		return nil, fault.New(fault.Invalid, "no-such-level", "there is no level %d; the slide has %d", level, len(p.levels))
	}
	number, err := p.axes.number(plane)
	if err != nil {
		return nil, err
	}
	tiles := p.levels[level].Tiles()
	if first < 0 || count < 0 || first > tiles || count > tiles-first {
		return nil, fault.New(fault.Invalid, "no-such-tile", "tiles %d to %d were asked for; level %d has %d", first, first+count-1, level, tiles)
	}
	if count == 0 {
		return []formats.Extent{}, nil
	}
	stored, err := p.stored(ctx, level, number, first, count)
	if err != nil {
		return nil, err
	}
	extents := make([]formats.Extent, len(stored))
	for i, e := range stored {
		if e.Length == 0 {
			extents[i].Blank = true
			continue
		}
		if e.Length > maxStoredTileBytes || e.Offset >= maxStoredOffset {
			return nil, fault.New(fault.TooLarge, "tile-extent-too-large",
				"tile %d of level %d has %d bytes at byte %d; the index holds up to %d bytes below byte %d", first+i, level, e.Length, e.Offset, int64(maxStoredTileBytes), int64(maxStoredOffset))
		}
		extents[i] = formats.Extent{Offset: e.Offset, Length: e.Length}
	}
	return extents, nil
}

// stored are the extents of tiles that exist.
func (p *Pyramid) stored(ctx context.Context, level, number, first, count int) ([]tiff.Extent, error) {
	if p.strideBytes > 0 {
		return p.contiguous(ctx, number, first, count)
	}
	page := p.pages[level][number]
	switch {
	case page.IFD == nil:
		return make([]tiff.Extent, count), nil
	case p.levels[level].TileHeight != page.Layout.TileHeight:
		return p.cut(ctx, page, p.levels[level], first, count)
	default:
		return page.IFD.Extents(ctx, first, count)
	}
}

// What an index entry can hold (DESIGN §5: 48-bit offset, 32-bit length).
const (
	maxStoredTileBytes = 1<<32 - 1
	maxStoredOffset    = 1 << 48
)
