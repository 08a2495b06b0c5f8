package render

import (
	"context"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/formats"
	"github.com/pims-cloud/pims/internal/codec"
	"github.com/pims-cloud/pims/internal/slide"
	"github.com/pims-cloud/pims/internal/telemetry/timing"
	"github.com/pims-cloud/pims/pixel"
)

// region is the stored pixels of a rectangle of a level that a view needs,
// channels interleaved in the view's order.
func (r *Renderer) region(ctx context.Context, s Slide, level int, rect Rect, p *plan) (*pixel.Raster, error) {
	d := &s.Manifest().Description
	if n := len(p.planes); n > 1 && exceeds(int64(r.config.MaxMemory), n, rect.Width, rect.Height, d.Samples, d.PixelType.Bytes()) {
		return nil, fault.New(fault.TooLarge, "render-too-much-memory",
			"A region of %d×%d pixels of %d channels needs more than the %d bytes that one picture may take (RENDER_MAX_MEMORY); ask for a smaller one, or for fewer channels.",
			rect.Width, rect.Height, len(p.planes), int64(r.config.MaxMemory))
	}
	rasters := make([]*pixel.Raster, len(p.planes))
	for i, ps := range p.planes {
		raster, err := r.projected(ctx, s, level, rect, p, ps.plane)
		if err != nil {
			return nil, err
		}
		rasters[i] = raster
	}
	if p.whole {
		return rasters[0], nil
	}
	return stack(rasters, p.planes)
}

// stack puts the selected samples of several planes beside each other.
func stack(rasters []*pixel.Raster, planes []planeSamples) (*pixel.Raster, error) {
	total := 0
	for i, ps := range planes {
		if len(ps.samples) != rasters[i].Samples { // both are ascending: all of them is nothing to do
			chosen, err := pixel.SelectChannels(rasters[i], ps.samples)
			if err != nil {
				return nil, err
			}
			rasters[i] = chosen
		}
		total += len(ps.samples)
	}
	if len(rasters) == 1 {
		return rasters[0], nil
	}
	first := rasters[0]
	out := pixel.New(first.Width, first.Height, total, first.Type)
	size, at := first.Type.Bytes(), 0
	for _, raster := range rasters {
		width := raster.Samples * size
		for y := range out.Height {
			spread(out.Row(y)[at:], raster.Row(y), total*size, width)
		}
		at += width
	}
	return out, nil
}

// spread copies pieces of `width` bytes to every `step` bytes. Single samples
// of 8 and 16 bits, planes of fluorescence, are copied without calls.
func spread(to, from []byte, step, width int) {
	switch width {
	case 1:
		at := 0
		for _, v := range from {
			to[at] = v
			at += step
		}
	case 2:
		for len(from) >= 4 {
			_, _ = to[step+1], from[3]
			to[0], to[1], to[step], to[step+1] = from[0], from[1], from[2], from[3]
			from = from[4:]
			if len(from) == 0 {
				return
			}
			to = to[2*step:]
		}
		if len(from) == 2 {
			to[0], to[1] = from[0], from[1]
		}
	default:
		for at := 0; len(from) >= width; at += step {
			copy(to[at:at+width], from)
			from = from[width:]
		}
	}
}

// plane reads all tiles that a rectangle touches in one batch and pastes them,
// at 1/shrink of their size (see shrinkOf).
func (r *Renderer) plane(ctx context.Context, s Slide, level int, plane formats.Plane, rect Rect, shrink int) (*pixel.Raster, error) {
	m := s.Manifest()
	d := &m.Description
	l := d.Levels[level]
	if l.Encoding < 0 || l.Encoding >= len(m.Encodings) || l.TileWidth < 1 || l.TileHeight < 1 {
		return nil, fault.New(fault.Corrupt, "level-without-encoding", "Level %d of the slide does not say how its tiles are encoded.", level)
	}
	encoding := m.Encodings[l.Encoding]
	firstX, lastX := rect.X/l.TileWidth, (rect.X+rect.Width-1)/l.TileWidth
	firstY, lastY := rect.Y/l.TileHeight, (rect.Y+rect.Height-1)/l.TileHeight
	tiles := (lastX - firstX + 1) * (lastY - firstY + 1)
	if err := r.affordable(rect, tiles, l, d); err != nil {
		return nil, err
	}
	numbers := make([]int, 0, tiles)
	extents := make([]formats.Extent, 0, tiles)
	for ty := firstY; ty <= lastY; ty++ {
		for tx := firstX; tx <= lastX; tx++ {
			number := ty*l.TilesAcross() + tx
			e, err := r.locate(ctx, s, level, plane, number)
			if err != nil {
				return nil, err
			}
			numbers = append(numbers, number)
			extents = append(extents, e)
		}
	}
	encoded, err := stored(ctx, s, level, plane, numbers, extents)
	if err != nil {
		return nil, err
	}
	leave, err := r.gate.begin(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	defer timing.Start(ctx, timing.Decode).Stop()
	if alone := (Rect{firstX * l.TileWidth, firstY * l.TileHeight, rect.Width, rect.Height}); tiles == 1 && rect == alone && decodesAsIs(encoding, extents[0]) {
		if width, height := l.StoredSize(numbers[0]); width == rect.Width && height == rect.Height {
			return decode(encoding, encoded[0], l, numbers[0], d, shrink)
		}
	}
	out := pixel.New(shrunk(rect.Width, shrink), shrunk(rect.Height, shrink), d.Samples, d.PixelType)
	fillBackground(out, extents, d)
	for i, data := range encoded {
		if extents[i].Blank {
			continue
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		tx, ty := firstX+i%(lastX-firstX+1), firstY+i/(lastX-firstX+1)
		raster, err := decode(encoding, data, l, ty*l.TilesAcross()+tx, d, shrink)
		if err != nil {
			return nil, err
		}
		encoded[i] = nil
		x, y := (tx*l.TileWidth-rect.X)/shrink, (ty*l.TileHeight-rect.Y)/shrink
		if err := pixel.Paste(out, raster, x, y); err != nil {
			return nil, err
		}
	}
	withinBorder(out, rect, l, shrink)
	return out, nil
}

// affordable refuses what would need more pixels or memory than configured.
func (r *Renderer) affordable(rect Rect, tiles int, l formats.Level, d *formats.Description) error {
	if exceeds(r.config.MaxPixels, tiles, l.TileWidth, l.TileHeight) {
		return fault.New(fault.TooLarge, "render-too-many-pixels",
			"The picture needs %d stored tiles of %d×%d pixels, at most %d pixels are read for one (RENDER_MAX_PIXELS); ask for a smaller region or a coarser level.",
			tiles, l.TileWidth, l.TileHeight, r.config.MaxPixels)
	}
	if exceeds(int64(r.config.MaxMemory), rect.Width, rect.Height, d.Samples, d.PixelType.Bytes()) {
		return fault.New(fault.TooLarge, "render-too-much-memory",
			"A region of %d×%d pixels needs more than the %d bytes that one picture may take (RENDER_MAX_MEMORY); ask for a smaller one.",
			rect.Width, rect.Height, int64(r.config.MaxMemory))
	}
	return nil
}

// exceeds tells whether the product of positive factors is above a limit,
// without calculating what may overflow.
func exceeds(limit int64, factors ...int) bool {
	for _, f := range factors {
		limit /= int64(max(f, 1))
	}
	return limit < 1
}

// locate refuses tiles that no honest writer makes.
func (r *Renderer) locate(ctx context.Context, s Slide, level int, plane formats.Plane, tile int) (formats.Extent, error) {
	e, err := s.Locate(ctx, level, plane, tile)
	if err != nil {
		return formats.Extent{}, err
	}
	if e.Length > int64(r.config.MaxTile) {
		return formats.Extent{}, fault.New(fault.TooLarge, "tile-too-large",
			"Tile %d of level %d has %d bytes, at most %d are read (RENDER_MAX_TILE).", tile, level, e.Length, int64(r.config.MaxTile))
	}
	return e, nil
}

// decode gives a tile's samples without alpha, which is laid over black
// (pims-api §4.2), and without what follows the samples that the slide shows, at
// 1/shrink of its size.
func decode(encoding formats.Encoding, data []byte, l formats.Level, tile int, d *formats.Description, shrink int) (*pixel.Raster, error) {
	width, height := l.StoredSize(tile)
	raster, err := codec.DecodeScaled(encoding, data, width, height, shrink)
	if err != nil {
		return nil, err
	}
	narrow := raster.Type == pixel.Uint8 || raster.Type == pixel.Uint16 // what alpha can be laid over
	switch {
	case raster.Samples == d.Samples+1 && encoding.Alpha && narrow:
		raster, err = pixel.FlattenAlpha(raster, nil)
	case raster.Samples > d.Samples:
		raster, err = pixel.SelectChannels(raster, firstChannels(d.Samples))
	}
	if err != nil {
		return nil, err
	}
	if raster.Samples != d.Samples || raster.Type != d.PixelType {
		return nil, fault.New(fault.Corrupt, "tile-samples",
			"A tile has %d samples of type %s, the slide says %d of type %s.", raster.Samples, raster.Type, d.Samples, d.PixelType)
	}
	return raster, nil
}

func firstChannels(n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = i
	}
	return out
}

// background is the slide's background in the range of its samples: grey
// slides take the first component.
func background(d *formats.Description) []uint16 {
	out := make([]uint16, d.Samples)
	for i := range out {
		v := uint16(d.Background[min(i, 2)])
		if d.PixelType == pixel.Uint16 {
			v *= 257
		}
		out[i] = v
	}
	return out
}

// fillBackground paints what blank tiles leave open.
func fillBackground(out *pixel.Raster, extents []formats.Extent, d *formats.Description) {
	blank := false
	for _, e := range extents {
		blank = blank || e.Blank
	}
	size := out.Type.Bytes()
	if !blank || size > 2 {
		return
	}
	values := background(d)
	line := out.Row(0)
	for i := range out.Width * out.Samples {
		v := values[i%out.Samples]
		line[i*size] = byte(v)
		if size == 2 {
			line[i*size+1] = byte(v >> 8)
		}
	}
	for y := 1; y < out.Height; y++ {
		copy(out.Row(y), line)
	}
}

// tilesOf is a level as a tier.
func tilesOf(m *slide.Manifest, level int) Tier {
	l := m.Description.Levels[level]
	return Tier{l.Width, l.Height, l.TileWidth, l.TileHeight}
}
