package tiffpage

import (
	"bytes"
	"context"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/formats"
)

// Pyramid is the levels of one slide whose tiles lie in one TIFF file. It is
// what makes a format a formats.TileLocator. It is immutable.
type Pyramid struct {
	source    string
	pages     [][]Page // by level, then by plane
	levels    []formats.Level
	encodings []formats.Encoding
}

// NewPyramid makes a pyramid of pages given by level (from the finest) and
// plane; source is the name of the file in its bundle. Where the planes of a
// level are not all encoded alike, or not all levels have the same number of
// them, only the first plane of every level is kept. Kind Unsupported when the
// tiles cannot be served in place.
func NewPyramid(ctx context.Context, source string, levels [][]Page) (*Pyramid, error) {
	p := &Pyramid{source: source, pages: make([][]Page, len(levels))}
	planes := len(levels[0])
	for i, pages := range levels {
		encoding, same, err := commonEncoding(ctx, pages)
		if err != nil {
			return nil, err
		}
		if !same || len(pages) != planes {
			planes = 1
		}
		first := pages[0].Layout
		if !first.Tiled {
			return nil, unsupported("tiff-not-tiled", "level %d is stored in strips, not in tiles; such an image must be converted to be viewed", i)
		}
		p.pages[i] = pages
		p.levels = append(p.levels, formats.Level{
			Width: first.Width, Height: first.Height,
			TileWidth: first.TileWidth, TileHeight: first.TileHeight,
			Encoding: p.encodingNumber(encoding),
		})
	}
	for i := range p.pages {
		p.pages[i] = p.pages[i][:planes]
	}
	return p, nil
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
		if err != nil || !sameEncoding(first, other) || a.TileWidth != b.TileWidth || a.TileHeight != b.TileHeight || !b.Tiled {
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
func (p *Pyramid) Base() Page { return p.pages[0][0] }

// Planes is the number of planes of every level, at least 1.
func (p *Pyramid) Planes() int { return len(p.pages[0]) }

// Sources is the name of the one file.
func (p *Pyramid) Sources() []string { return []string{p.source} }

// Encodings lists the distinct ways in which tiles are encoded.
func (p *Pyramid) Encodings() []formats.Encoding {
	return append([]formats.Encoding(nil), p.encodings...)
}

// Locate is formats.TileLocator's. Planes are counted in Z. Only the wanted
// part of the offset arrays is read. A tile of no bytes is blank; one that
// does not lie in the file is an error of kind Corrupt.
func (p *Pyramid) Locate(ctx context.Context, level int, plane formats.Plane, first, count int) ([]formats.Extent, error) {
	if level < 0 || level >= len(p.levels) {
		return nil, fault.New(fault.Invalid, "no-such-level", "there is no level %d; the slide has %d", level, len(p.levels))
	}
	if plane.C != 0 || plane.T != 0 || plane.Z < 0 || plane.Z >= p.Planes() {
		return nil, fault.New(fault.Invalid, "no-such-plane", "there is no plane c=%d z=%d t=%d; the slide has 1 channel plane, %d z planes and 1 frame", plane.C, plane.Z, plane.T, p.Planes())
	}
	tiles := p.levels[level].Tiles()
	if first < 0 || count < 0 || first > tiles || count > tiles-first {
		return nil, fault.New(fault.Invalid, "no-such-tile", "tiles %d to %d were asked for; level %d has %d", first, first+count-1, level, tiles)
	}
	if count == 0 {
		return []formats.Extent{}, nil
	}
	stored, err := p.pages[level][plane.Z].IFD.Extents(ctx, first, count)
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

// What an index entry can hold (DESIGN §5: 48-bit offset, 32-bit length).
const (
	maxStoredTileBytes = 1<<32 - 1
	maxStoredOffset    = 1 << 48
)
