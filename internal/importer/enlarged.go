package importer

import (
	"context"
	"math"

	"github.com/pims-cloud/pims/formats"
	"github.com/pims-cloud/pims/internal/histogram"
	"github.com/pims-cloud/pims/pixel"
)

// enlarged tells whether PIMS counts a slide in a level that it enlarges, and
// which. It asks libvips for at most histogramSide pixels, and libvips looks for
// the coarsest SubIFD that is not smaller; the picture that the SubIFDs belong to
// it never takes. So OME-TIFF pyramids of up to histogramSide pixels are counted
// in their second level, and windows lie between the values that are found there.
func enlarged(d *formats.Description) (level int, ok bool) {
	return 1, d.Format == "PYROMETIFF" && len(d.Levels) > 1 && d.Width <= histogramSide && d.Height <= histogramSide
}

// find notes the least and greatest value of a plane once a level of it is
// enlarged to the slide's size.
func (w *attempt) find(ctx context.Context, level int, plane formats.Plane, counted []SampleHistogram) error {
	whole, err := w.wholePlane(ctx, level, plane)
	if err != nil || whole == nil {
		return err
	}
	shown := pixel.Thumbnail(whole, w.desc.Width, w.desc.Height)
	for i := range counted {
		low, high := pixel.Bounds(shown, i)
		counted[i].Found = &histogram.Bounds{Low: int(low), High: int(high)}
	}
	return nil
}

// wholePlane is a plane of a small level; nil when parts of it are blank.
func (w *attempt) wholePlane(ctx context.Context, level int, plane formats.Plane) (*pixel.Raster, error) {
	l := w.desc.Levels[level]
	budget := int64(math.MaxInt64)
	var out *pixel.Raster
	for first := 0; first < l.Tiles(); first += histogramBatch {
		extents, numbers, err := w.histogramTiles(ctx, level, plane, [2]int{first, 1}, &budget, true)
		if err != nil {
			return nil, err
		}
		if len(numbers) != min(histogramBatch, l.Tiles()-first) {
			return nil, nil
		}
		tiles, err := w.read(ctx, extents)
		if err != nil {
			return nil, err
		}
		for i, data := range tiles {
			raster, err := decodeTile(w.encs, l, data, level, numbers[i])
			if err != nil || raster == nil {
				return nil, err
			}
			if out == nil {
				out = pixel.New(l.Width, l.Height, raster.Samples, raster.Type)
			}
			x, y := numbers[i]%l.TilesAcross()*l.TileWidth, numbers[i]/l.TilesAcross()*l.TileHeight
			if err := pixel.Paste(out, raster, x, y); err != nil {
				return nil, err
			}
		}
	}
	return out, nil
}
