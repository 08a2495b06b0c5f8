package tiffpage

import (
	"context"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/formats"
	"github.com/pims-cloud/pims/pixel"
	"github.com/pims-cloud/pims/source"
)

// batchBytes is about how many stored bytes are read at once: a batch ends with
// the tile that exceeds it. Separate planes in strips of one row would else
// cost a request a row.
const batchBytes = 16 << 20

// region is one call of ReadRegion.
type region struct {
	a       *Assembly
	page    Page
	level   formats.Level
	plan    segmentPlan
	colours int
	x, y    int // top left of the region in the level
	out     *pixel.Raster

	tiles   []int                 // that wait to be read
	waiting []int                 // their segments, plan.parts each, by place in ranges
	ranges  []source.Range        // of one batch, each once: writers may share equal tiles
	places  map[source.Range]int  // in ranges
	seen    map[source.Range]bool // of all batches
	bytes   int64                 // of ranges
	read    int64                 // of seen
}

// add puts a tile into the region, now or with the next batch.
func (r *region) add(ctx context.Context, tile int) error {
	if raster := r.a.kept(r.page.IFD, tile); raster != nil {
		return r.paste(raster, tile)
	}
	ranges, err := r.segments(ctx, tile)
	if err != nil || ranges == nil {
		return err
	}
	if r.bytes > batchBytes {
		if err := r.flush(ctx); err != nil {
			return err
		}
	}
	r.tiles = append(r.tiles, tile)
	for _, s := range ranges {
		place, known := r.places[s]
		if !known {
			place = len(r.ranges)
			r.places[s], r.ranges, r.bytes = place, append(r.ranges, s), r.bytes+s.Length
		}
		if r.waiting = append(r.waiting, place); r.seen[s] {
			continue
		}
		// Segments that share bytes must not multiply what is read.
		r.seen[s] = true
		if r.read += s.Length; r.read > r.a.reader.Size() {
			return fault.New(fault.Corrupt, "tiff-segments-overlap", "the segments of a region have together more than the %d bytes of the file", r.a.reader.Size())
		}
	}
	return nil
}

// segments are where the parts of a tile are stored, nil when it is blank. Kind
// Corrupt when only some of them are there.
func (r *region) segments(ctx context.Context, tile int) ([]source.Range, error) {
	grid := r.page.Layout.Across() * r.page.Layout.Down()
	ranges := make([]source.Range, 0, r.plan.parts)
	for part := range r.plan.parts {
		extents, err := r.page.IFD.Extents(ctx, part*grid+tile, 1)
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
	case len(ranges) < r.plan.parts:
		return nil, fault.New(fault.Corrupt, "tiff-plane-missing", "of tile %d of the directory at byte %d only %d of %d sample planes are stored", tile, r.page.IFD.Offset, len(ranges), r.plan.parts)
	}
	return ranges, nil
}

// flush reads the tiles that wait, decodes and pastes them.
func (r *region) flush(ctx context.Context) error {
	if len(r.tiles) == 0 {
		return nil
	}
	stored, err := r.a.reader.ReadRanges(ctx, r.ranges)
	if err != nil {
		return err
	}
	segments := make([][]byte, r.plan.parts)
	for i, tile := range r.tiles {
		if err := ctx.Err(); err != nil {
			return err
		}
		for part := range segments {
			segments[part] = stored[r.waiting[i*r.plan.parts+part]]
		}
		width, height := r.level.StoredSize(tile)
		raster, err := r.plan.decode(segments, width, height, r.colours)
		if err != nil {
			return err
		}
		r.a.keep(r.page.IFD, tile, raster)
		if err := r.paste(raster, tile); err != nil {
			return err
		}
	}
	r.tiles, r.waiting, r.ranges, r.bytes = nil, nil, nil, 0
	clear(r.places)
	return nil
}

func (r *region) paste(raster *pixel.Raster, tile int) error {
	across := r.level.TilesAcross()
	return pixel.Paste(r.out, raster, tile%across*r.level.TileWidth-r.x, tile/across*r.level.TileHeight-r.y)
}
