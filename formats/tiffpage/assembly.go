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

// ReadRegion is formats.RegionReader's. The segments of many tiles are read in
// one batch; the last tile is kept, so that bands from the top to the bottom
// decode each strip once.
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
	colours := a.Base().Colours()
	if int64(width)*int64(height) > maxRegionBytes/int64(colours*plan.shown.PixelType.Bytes()) {
		return nil, fault.New(fault.TooLarge, "region-too-large", "a region of %d × %d pixels weighs more than %d MiB; read it in bands", width, height, maxRegionBytes>>20)
	}
	r := region{
		a: a, page: a.pages[level][number], level: l, plan: plan, colours: colours,
		x: x, y: y, out: pixel.New(width, height, colours, plan.shown.PixelType),
		places: map[source.Range]int{}, seen: map[source.Range]bool{},
	}
	if r.page.IFD == nil {
		return r.out, nil
	}
	for ty := y / l.TileHeight; ty <= (y+height-1)/l.TileHeight; ty++ {
		for tx := x / l.TileWidth; tx <= (x+width-1)/l.TileWidth; tx++ {
			if err := r.add(ctx, ty*l.TilesAcross()+tx); err != nil {
				return nil, err
			}
		}
	}
	return r.out, r.flush(ctx)
}

// kept is the last tile if it is the one asked for. The raster must not be
// changed.
func (a *Assembly) kept(ifd *tiff.IFD, tile int) *pixel.Raster {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.last.ifd == ifd && a.last.tile == tile {
		return a.last.raster
	}
	return nil
}

func (a *Assembly) keep(ifd *tiff.IFD, tile int, raster *pixel.Raster) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.last.ifd, a.last.tile, a.last.raster = ifd, tile, raster
}
