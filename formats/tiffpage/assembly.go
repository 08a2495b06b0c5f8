package tiffpage

import (
	"context"
	"sync"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/formats"
	"github.com/pims-cloud/pims/pixel"
	"github.com/pims-cloud/pims/source"
	"github.com/pims-cloud/pims/tiff"
)

// maxRegionBytes is what one region may weigh; imports read far smaller bands.
const maxRegionBytes = 1 << 30

// Assembly is the pixels of pages that no single range read can give: samples
// in separate planes, fax strips, bits in reversed order, half-precision
// numbers, giant strips. It makes a format a formats.RegionReader. It is safe
// for concurrent use.
type Assembly struct {
	reader source.Reader
	axes   Axes
	pages  [][]Page // by level, then by plane number; no IFD means a blank plane
	levels []formats.Level
	plans  []segmentPlan // by level

	mu   sync.Mutex // guards last
	last struct {
		ifd    *tiff.IFD
		tile   int
		raster *pixel.Raster
	}
}

// NewAssembly is NewStack for what must be put together. Kind Unsupported for
// what cannot be decoded.
func NewAssembly(ctx context.Context, reader source.Reader, axes Axes, levels [][]Page) (*Assembly, error) {
	if err := axes.Check(); err != nil {
		return nil, err
	}
	a := &Assembly{reader: reader, axes: axes, pages: levels}
	for i, pages := range levels {
		there := present(pages)
		if len(pages) != axes.Planes() || len(there) == 0 {
			return nil, fault.New(fault.Corrupt, "tiff-planes", "level %d has %d of %d planes", i, len(there), axes.Planes())
		}
		plan, err := there[0].segmentPlan(ctx)
		if err != nil {
			return nil, err
		}
		l := there[0].Layout
		for _, page := range there[1:] {
			other, err := page.segmentPlan(ctx)
			if err != nil {
				return nil, err
			}
			if o := page.Layout; !plan.same(other) || o.Width != l.Width || o.Height != l.Height || o.TileWidth != l.TileWidth || o.TileHeight != l.TileHeight || o.Tiled != l.Tiled {
				return nil, unsupported("tiff-planes-differ", "the %d planes of level %d are not all stored in the same way", len(there), i)
			}
		}
		a.plans = append(a.plans, plan)
		a.levels = append(a.levels, formats.Level{
			Width: l.Width, Height: l.Height, TileWidth: l.TileWidth, TileHeight: l.TileHeight, Strips: !l.Tiled,
		})
	}
	return a, nil
}

// Base is the first page of level 0.
func (a *Assembly) Base() Page { return present(a.pages[0])[0] }

// Axes is how the planes are counted.
func (a *Assembly) Axes() Axes { return a.axes }

// Levels are those of the description. The slice belongs to the caller.
func (a *Assembly) Levels() []formats.Level { return append([]formats.Level(nil), a.levels...) }

// Shown says what the samples of a region are.
func (a *Assembly) Shown() formats.Encoding { return a.plans[0].shown }

// ReadRegion is formats.RegionReader's. The segments of one row of tiles are
// read in one batch; the last tile is kept, so that bands from the top to the
// bottom decode each strip once.
func (a *Assembly) ReadRegion(ctx context.Context, level int, plane formats.Plane, x, y, width, height int) (*pixel.Raster, error) {
	if level < 0 || level >= len(a.levels) {
		return nil, fault.New(fault.Invalid, "no-such-level", "there is no level %d; the slide has %d", level, len(a.levels))
	}
	number, err := a.axes.number(plane)
	if err != nil {
		return nil, err
	}
	l, plan := a.levels[level], a.plans[level]
	if x < 0 || y < 0 || width < 1 || height < 1 || width > l.Width-x || height > l.Height-y {
		return nil, fault.New(fault.Invalid, "no-such-region", "the region %d × %d at (%d, %d) does not lie in level %d of %d × %d pixels", width, height, x, y, level, l.Width, l.Height)
	}
	page := a.pages[level][number]
	colours := a.Base().Colours()
	if int64(width)*int64(height) > maxRegionBytes/int64(colours*plan.shown.PixelType.Bytes()) {
		return nil, fault.New(fault.TooLarge, "region-too-large", "a region of %d × %d pixels weighs more than %d MiB; read it in bands", width, height, maxRegionBytes>>20)
	}
	out := pixel.New(width, height, colours, plan.shown.PixelType)
	if page.IFD == nil {
		return out, nil
	}
	for ty := y / l.TileHeight; ty <= (y+height-1)/l.TileHeight; ty++ {
		for tx := x / l.TileWidth; tx <= (x+width-1)/l.TileWidth; tx++ {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			tile, err := a.tile(ctx, page, l, plan, ty*l.TilesAcross()+tx, colours)
			if err != nil {
				return nil, err
			}
			if tile == nil {
				continue // blank
			}
			if err := pixel.Paste(out, tile, tx*l.TileWidth-x, ty*l.TileHeight-y); err != nil {
				return nil, err
			}
		}
	}
	return out, nil
}

// tile decodes one tile, nil for a blank one. The raster must not be changed.
func (a *Assembly) tile(ctx context.Context, page Page, l formats.Level, plan segmentPlan, number, colours int) (*pixel.Raster, error) {
	a.mu.Lock()
	if a.last.ifd == page.IFD && a.last.tile == number && a.last.raster != nil {
		defer a.mu.Unlock()
		return a.last.raster, nil
	}
	a.mu.Unlock()
	stored, err := a.segments(ctx, page, plan, number)
	if err != nil || stored == nil {
		return nil, err
	}
	width, height := l.StoredSize(number)
	raster, err := plan.decode(stored, width, height, colours)
	if err != nil {
		return nil, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.last.ifd, a.last.tile, a.last.raster = page.IFD, number, raster
	return raster, nil
}

// segments reads the stored bytes of all parts of a tile in one batch; nil when
// it is blank. Kind Corrupt when only some of its parts are there.
func (a *Assembly) segments(ctx context.Context, page Page, plan segmentPlan, number int) ([][]byte, error) {
	grid := page.Layout.Across() * page.Layout.Down()
	ranges := make([]source.Range, 0, plan.parts)
	for part := range plan.parts {
		extents, err := page.IFD.Extents(ctx, part*grid+number, 1)
		if err != nil {
			return nil, err
		}
		if e := extents[0]; e.Length > 0 {
			ranges = append(ranges, source.Range{Offset: e.Offset, Length: e.Length})
		}
	}
	switch {
	case len(ranges) == 0:
		return nil, nil
	case len(ranges) < plan.parts:
		return nil, fault.New(fault.Corrupt, "tiff-plane-missing", "of tile %d of the directory at byte %d only %d of %d sample planes are stored", number, page.IFD.Offset, len(ranges), plan.parts)
	}
	return a.reader.ReadRanges(ctx, ranges)
}
