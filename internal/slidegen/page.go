package slidegen

import (
	"context"
	"maps"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/pims-cloud/pims/pixel"
	"github.com/pims-cloud/pims/tiff"
)

// page is one directory of a file: how its pixels are drawn, cut and encoded.
type page struct {
	width, height         int
	tileWidth, tileHeight int // a strip has the page's width
	tiled                 bool
	photometric           tiff.Photometric
	encoder               *encoder
	fields                []tiff.Field // besides those that follow from the rest
	// draw gives the pixels of a rectangle, which may reach beyond the page.
	draw func(x, y, width, height int) *pixel.Raster
	// blank, when set, names tiles that get no bytes.
	blank func(tx, ty int) bool
	// separate writes every sample of the pixels as a plane of its own.
	separate bool
	sample   int // the one that is written now, when separate
	// pool, when positive, is how many distinct tiles are encoded; the others
	// repeat them.
	pool int
}

// write streams the page's tiles and returns its directory.
func (p *page) write(ctx context.Context, w *tiff.Writer) (*tiff.Directory, error) {
	across, down := (p.width-1)/p.tileWidth+1, (p.height-1)/p.tileHeight+1
	d := &tiff.Directory{Tiled: p.tiled, Segments: make([]tiff.Extent, 0, across*down)}
	pixel := p.draw(0, 0, 1, 1)
	planes := 1
	if p.separate {
		planes = pixel.Samples
	}
	for p.sample = range planes {
		if err := p.writePlane(ctx, w, d, across, down); err != nil {
			return nil, err
		}
	}
	d.Fields = append(p.pixelFields(pixel), p.fields...)
	return d, nil
}

// writePlane writes the tiles of all samples, or of one when separate.
func (p *page) writePlane(ctx context.Context, w *tiff.Writer, d *tiff.Directory, across, down int) error {
	pooled := make(map[int][]byte, p.pool)
	for ty := range down {
		if err := ctx.Err(); err != nil {
			return err
		}
		for _, bytes := range p.row(ty, across, down, pooled) {
			extent, err := w.Segment(bytes)
			if err != nil {
				return err
			}
			d.Segments = append(d.Segments, extent)
		}
	}
	return nil
}

// row encodes the tiles of one row, on all processors. Those of a pool are kept
// in pooled and reused.
func (p *page) row(ty, across, down int, pooled map[int][]byte) [][]byte {
	out := make([][]byte, across)
	drawn := make([]int, across) // which tile stands in each place
	needed := make(map[int]bool)
	for tx := range across {
		tile := ty*across + tx
		if p.pool > 0 {
			slot := int(hash(tx, ty, uint32(p.width))) % p.pool
			tile = int(int64(slot) * int64(across) * int64(down) / int64(p.pool))
		}
		drawn[tx] = tile
		if _, ok := pooled[tile]; !ok && (p.blank == nil || !p.blank(tx, ty)) {
			needed[tile] = true
		}
	}
	encoded := p.encodeAll(slices.Sorted(maps.Keys(needed)), across)
	for tx, tile := range drawn {
		bytes, ok := pooled[tile]
		if !ok {
			bytes = encoded[tile]
		}
		if p.pool > 0 {
			pooled[tile] = bytes
		}
		out[tx] = bytes
	}
	return out
}

// encodeAll draws and encodes tiles concurrently, and waits for all.
func (p *page) encodeAll(tiles []int, across int) map[int][]byte {
	bytes := make([][]byte, len(tiles))
	var next atomic.Int64
	var workers sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(tiles)) {
		workers.Go(func() {
			for i := int(next.Add(1)) - 1; i < len(tiles); i = int(next.Add(1)) - 1 {
				bytes[i] = p.encoder.encode(p.segment(tiles[i]%across, tiles[i]/across))
			}
		})
	}
	workers.Wait()
	out := make(map[int][]byte, len(tiles))
	for i, tile := range tiles {
		out[tile] = bytes[i]
	}
	return out
}

// segment draws one tile, at full size, or one strip, the last one shorter.
func (p *page) segment(tx, ty int) *pixel.Raster {
	height := p.tileHeight
	if !p.tiled {
		height = min(height, p.height-ty*p.tileHeight)
	}
	r := p.draw(tx*p.tileWidth, ty*p.tileHeight, p.tileWidth, height)
	if p.separate {
		r = channel(r, p.sample)
	}
	return r
}

// pixelFields are the fields that say how pixels are stored.
func (p *page) pixelFields(sample *pixel.Raster) []tiff.Field {
	short := func(tag tiff.Tag, v ...uint64) tiff.Field { return tiff.NumberField(tag, tiff.Short, v...) }
	long := func(tag tiff.Tag, v int) tiff.Field { return tiff.NumberField(tag, tiff.Long, uint64(v)) }
	configuration := uint64(1)
	if p.separate {
		configuration = 2
	}
	bits := make([]uint64, sample.Samples)
	for i := range bits {
		bits[i] = uint64(8 * sample.Type.Bytes())
	}
	fields := []tiff.Field{
		long(tiff.ImageWidth, p.width),
		long(tiff.ImageLength, p.height),
		short(tiff.BitsPerSample, bits...),
		short(tiff.Compression, uint64(p.encoder.scheme)),
		short(tiff.PhotometricInterpretation, uint64(p.photometric)),
		short(tiff.SamplesPerPixel, uint64(sample.Samples)),
		short(tiff.PlanarConfiguration, configuration),
	}
	if p.tiled {
		fields = append(fields, long(tiff.TileWidth, p.tileWidth), long(tiff.TileLength, p.tileHeight))
	} else {
		fields = append(fields, long(tiff.RowsPerStrip, p.tileHeight))
	}
	if p.encoder.predictor {
		fields = append(fields, short(tiff.Predictor, 2))
	}
	if j := p.encoder.jpeg; j != nil {
		if !p.encoder.complete {
			fields = append(fields, tiff.BytesField(tiff.JPEGTables, tiff.Undefined, j.tables()))
		}
		switch j.colour {
		case jpegYCC:
			fields = append(fields, short(tiff.YCbCrSubSampling, 1, 1))
		case jpegYCC420:
			fields = append(fields, short(tiff.YCbCrSubSampling, 2, 2))
		}
	}
	if p.photometric == tiff.PhotometricYCbCr {
		fields = append(fields, referenceBlackWhite())
	}
	return fields
}

// referenceBlackWhite is the field that TIFF requires of full-range YCbCr.
func referenceBlackWhite() tiff.Field {
	return tiff.NumberField(tiff.ReferenceBlackWhite, tiff.Rational, 0, 1, 255, 1, 128, 1, 255, 1, 128, 1, 255, 1)
}
